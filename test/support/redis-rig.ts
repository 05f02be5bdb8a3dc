/** What most tests of a Redis listener begin with: one server per file, emptied for each test, and a client of it. */
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { type Portolan, Rig } from './portolan.ts'
import { type RedisServer, type RedisServerOptions, startRedis } from './redis-server.ts'
import type { RespClient } from './resp-client.ts'

export class RedisRig extends Rig {
  /** The server of the file. */
  server!: RedisServer
  /** A client of the server itself, new for each test. */
  direct!: RespClient
  /** In front of the server, new for each test; only after withPortolan(). */
  main!: Portolan

  /** To be called at the top of a test file. */
  constructor(options: RedisServerOptions = {}) {
    super()
    beforeAll(async () => {
      this.server = await startRedis(options)
    })
    afterAll(() => this.server.stop())
    beforeEach(async () => {
      this.direct = await this.client(this.server.port)
      await this.direct.call('FLUSHALL')
    })
    afterEach(() => this.close())
  }
}
