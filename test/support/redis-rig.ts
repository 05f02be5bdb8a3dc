/** What most tests of a Redis listener begin with: one server for a file, emptied for each test, and Portolan before it. */
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { type Portolan, Rig } from './portolan.ts'
import { type RedisServer, type RedisServerOptions, startRedis } from './redis-server.ts'
import type { RespClient } from './resp-client.ts'

export class RedisRig extends Rig {
  /** The server of the file. */
  server!: RedisServer
  /** A client of the server itself, new for each test. */
  direct!: RespClient
  /** Before the server, with default options and new for each test, unless the file starts its own. */
  proxied!: Portolan

  /** To be made at the top of a test file. */
  constructor({ server, proxied = true }: { server?: RedisServerOptions; proxied?: boolean } = {}) {
    super()
    beforeAll(async () => {
      this.server = await startRedis(server)
    })
    afterAll(() => this.server.stop())
    beforeEach(async () => {
      this.direct = await this.client(this.server.port)
      await this.direct.call('FLUSHALL')
      if (proxied) this.proxied = await this.portolan(this.server.port)
    })
    afterEach(() => this.close())
  }
}
