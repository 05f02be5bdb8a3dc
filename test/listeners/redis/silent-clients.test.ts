/** What the log says of clients that wait to be greeted, as MySQL's do. */
import { createConnection } from 'mysql2/promise'
import { afterEach, expect, test } from 'vitest'
import { ClientFacts } from '../../../listeners/redis/client-facts.ts'
import { SilentClients } from '../../../listeners/redis/silent-clients.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { Rig, until } from '../../support/portolan.ts'

const rig = new Rig()
afterEach(() => rig.close())

test('a MySQL client at a Redis port, and none of Redis', async () => {
  const server = await rig.redis()
  const portolan = await rig.portolan(server.port)
  const client = await rig.client(portolan)
  await client.call('PING')
  await client.close()
  await expect(createConnection({ host: '127.0.0.1', port: portolan.port(), connectTimeout: 700 })).rejects.toThrow()
  await until(() => portolan.connections() === 0)
  const said = portolan.log.filter(({ message }) => message.includes('check its port'))
  expect(said).toMatchObject([{ level: 'info', listener: 'main', message: expect.stringContaining('one of MySQL') }])
})

test('one line for many of them; none for who has spoken, and for who only looks whether somebody listens', () => {
  const clock = new ManualClock()
  const said: string[] = []
  const log = (_: object, message: string) => said.push(message)
  const logger = { info: log } as never
  const clients = new SilentClients(logger, 'main', clock)
  const accepted = { source: () => undefined, destination: () => undefined } as never
  const stays = (ms: number, facts: Partial<ClientFacts> = {}) => {
    const client = Object.assign(new ClientFacts(accepted, clock.now()), facts)
    clock.advance(ms)
    clients.note(client)
  }
  stays(10)
  stays(5_000, { received: 20 })
  stays(5_000, { lastOperation: 1 })
  stays(5_000, { activeAt: 1 })
  expect(said).toHaveLength(0)
  stays(5_000)
  stays(5_000)
  expect(said).toHaveLength(1)
  stays(60_000)
  expect(said).toHaveLength(2)
})
