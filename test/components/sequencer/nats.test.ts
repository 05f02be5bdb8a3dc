import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { natsSequencer } from '../../../src/components/sequencer/nats.ts'
import { sequencerConformance } from '../../conformance/sequencer.ts'
import { expectRefusal } from '../../conformance/suite.ts'
import { type NatsServer, startNats } from '../../support/nats-server.ts'
import { openStore } from '../open.ts'
import { underRestarts } from './under-restarts.ts'

let server: NatsServer

beforeAll(async () => {
  server = await startNats()
})
afterAll(() => server?.stop())

const open = (more: object = {}) => openStore(natsSequencer, { servers: [server.address], ...more })

sequencerConformance({
  features: natsSequencer.features,
  open,
  restart: { stop: () => server.kill(), start: () => server.restart() },
})

underRestarts({ open, kill: () => server.kill(), restart: () => server.restart() })

test('those who wait behind a server that hangs are refused together', async () => {
  const store = await open({ requestTimeout: '300ms' })
  await store.reserve('hangs', 1)
  server.pause()
  // One after the other they would take a minute.
  const calls = Array.from({ length: 200 }, () => store.reserve('hangs', 1).catch(error => error.code))
  const codes = new Set(await Promise.all(calls))
  // The first one's write may have left before the server stood still.
  codes.delete('unknown')
  expect(codes).toEqual(new Set(['unavailable']))
  server.resume()
  await store.close()
})

test('a server that is away at first is found once it is there; a password that is wrong is denied', async () => {
  const guarded = await startNats({ user: 'app', password: 'secret' })
  onTestFinished(() => guarded.stop())
  vi.stubEnv('NATS_TEST_RIGHT', 'secret')
  vi.stubEnv('NATS_TEST_WRONG', 'other')
  const address = { servers: [guarded.address] }
  const wrong = { credentials: { username: 'app', password: { env: 'NATS_TEST_WRONG' } } }
  const right = { credentials: { username: 'app', password: { env: 'NATS_TEST_RIGHT' } } }
  const [denied, store] = [await open({ ...address, ...wrong }), await open({ ...address, ...right })]
  await expectRefusal(denied.reserve('k', 1), 'denied')
  await guarded.kill()
  await expectRefusal(store.reserve('k', 1), 'unavailable')
  await guarded.restart()
  expect(await store.reserve('k', 1)).toBe(1n)
  await Promise.all([denied.close(), store.close()])
})
