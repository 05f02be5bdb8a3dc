/** What an application requires of a protocol, from servers that have to be asked what they can do. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { AppConfig } from '../../src/config/index.ts'
import { type MariadbServer, startMariadb } from '../support/mariadb-server.ts'
import { Portolan, type PortolanSetup, Rig } from '../support/portolan.ts'
import type { RedisServer } from '../support/redis-server.ts'

const servers = new Rig()
let redis: RedisServer
let mariadb: MariadbServer
let portolan: Portolan

beforeAll(async () => {
  ;[redis, mariadb] = await Promise.all([servers.redis(), startMariadb()])
})
afterEach(() => portolan.close())
afterAll(() => Promise.all([servers.close(), mariadb.stop()]))

type Protocol = 'redis' | 'mysql'

/** Starts over that port; what the log says of the requirement. Rejects when it is not met. */
async function started(protocol: Protocol, port: number, must: readonly string[]): Promise<string> {
  const requires: AppConfig['requires'] = [{ name: 'store', api: protocol, must, prefer: [] }]
  const setup: PortolanSetup = { protocol, endpoints: [port] }
  portolan = new Portolan({ main: setup }, requires)
  await portolan.app.start()
  return portolan.log.find(({ message }) => message.startsWith('store '))!.message
}

describe.each<[Protocol, () => number, has: string, lacks: string, RegExp]>([
  [
    'redis',
    () => redis.port,
    'redis.functions',
    'redis.json',
    /redis\.json, which main \(backend main\) does not have/,
  ],
  [
    'mysql',
    () => mariadb.port,
    'mysql.mariadb',
    'mysql.mysql',
    /mysql\.mysql, which main \(backend main\) does not have/,
  ],
])('%s', (protocol, port, has, lacks, refusal) => {
  it('waits until the server has told', async () => {
    expect(await started(protocol, port(), [has])).toBe('store is met by main (backend main)')
  })

  it('refuses what the server has not', async () => {
    await expect(started(protocol, port(), [lacks])).rejects.toThrow(refusal)
  })

  it.each([has, lacks])('starts without the server, by what its type can do: %s', async feature => {
    const note = 'store is met by main (backend main), by what its type can do: its server has not answered yet'
    expect(await started(protocol, 1, [feature])).toBe(note)
  })
})
