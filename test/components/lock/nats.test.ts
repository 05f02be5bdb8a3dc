import { afterAll, beforeAll } from 'vitest'
import { natsLock } from '../../../src/components/lock/nats.ts'
import { lockConformance } from '../../conformance/lock.ts'
import { type NatsServer, startNats } from '../../support/nats-server.ts'
import { openStore } from '../open.ts'
import { cutOffTests } from './cut-off.ts'
import { deadSidecarTests } from './dead-sidecar.ts'

let server: NatsServer

beforeAll(async () => {
  server = await startNats()
})
afterAll(() => server?.stop())

const open = () => openStore(natsLock, { servers: [server.address] })

lockConformance({
  features: natsLock.features,
  open,
  restart: { stop: () => server.kill(), start: () => server.restart() },
})

deadSidecarTests(clock => openStore(natsLock, { servers: [server.address] }, clock && { clock }), 1_000)

cutOffTests(
  port => openStore(natsLock, { servers: [`127.0.0.1:${port}`], requestTimeout: '500ms' }),
  () => Number(server.address.split(':')[1]),
  1_500,
)
