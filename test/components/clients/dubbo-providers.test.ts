/** Providers come and go with a registry: connections to those that nobody calls any more do not add up. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { DubboProviders } from '../../../src/components/clients/dubbo/index.ts'
import { systemClock } from '../../../src/protocol.ts'
import { RecordedProvider } from '../../support/dubbo-provider.ts'

const options = { clock: systemClock, connectTimeoutMs: 5_000, heartbeatMs: 60_000, maxBodyBytes: 1_000 }
let servers: RecordedProvider[] = []

beforeEach(async () => {
  servers = await Promise.all([RecordedProvider.start(), RecordedProvider.start(), RecordedProvider.start()])
})
afterEach(() => Promise.all(servers.map(server => server.stop())))

const addressOf = ({ address }: RecordedProvider) => {
  const [host, port] = address.split(':') as [string, string]
  return { host, port: Number(port) }
}

test('the one that was not needed for the longest time is closed, unless a call waits for it', async () => {
  const [first, second, third] = servers as [RecordedProvider, RecordedProvider, RecordedProvider]
  first.behaviour = 'keeps'
  const providers = new DubboProviders(options, 2)
  const waiting = await providers.at(addressOf(first)).connection()
  const call = waiting.send(Buffer.from('a call'), 10_000)
  const idle = await providers.at(addressOf(second)).connection()
  await providers.at(addressOf(third)).connection()
  expect([waiting.isOpen, idle.isOpen]).toEqual([true, false])
  await expect.poll(() => first.calls).toBe(1)
  first.release()
  expect((await call).status).toBe(80)
  expect(await providers.at(addressOf(first)).connection()).toBe(waiting)
  providers.close()
  expect(waiting.isOpen).toBe(false)
  expect(() => providers.at(addressOf(first))).toThrow(expect.objectContaining({ code: 'unavailable' }))
})
