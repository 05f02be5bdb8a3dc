/** Ten processes that draw numbers of one sequence while its server is killed: no number comes twice, and each one's grow. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { type EtcdServer, startEtcd } from '../../support/etcd-server.ts'
import { type PostgresqlServer, startPostgresql } from '../../support/postgresql-server.ts'
import { buildProgram } from '../../support/program.ts'
import { temporaryDirectory } from '../embedded-directory.ts'
import { account } from '../postgresql-account.ts'

const PROCESSES = 10
const NUMBERS = 60

const DRAWER = `
  import { etcdSequencer } from './src/components/sequencer/etcd.ts'
  import { postgresqlSequencer } from './src/components/sequencer/postgresql.ts'
  import { openStore } from './test/components/open.ts'
  async function main() {
    const { type, written } = JSON.parse(process.env['DRAWER'])
    const store = await openStore({ etcd: etcdSequencer, postgresql: postgresqlSequencer }[type], written)
    for (let drawn = 0; drawn < ${NUMBERS}; ) {
      const number = await store.reserve('k', 1).catch(() => undefined)
      if (number === undefined) await new Promise(resolve => setTimeout(resolve, 20))
      else if (++drawn) console.log(String(number))
    }
    await store.close()
  }
  main()
`

test.each([
  ['etcd', startEtcd, (server: EtcdServer) => ({ endpoints: [server.address] })],
  ['postgresql', startPostgresql, (server: PostgresqlServer) => ({ address: server.address, ...account() })],
] as const)(
  'of %s',
  async (type, start, where) => {
    const server = await start()
    const program = await buildProgram(temporaryDirectory(), DRAWER)
    const env = { ...process.env, DRAWER: JSON.stringify({ type, written: where(server as never) }) }
    let total = 0
    const drawn = Array.from({ length: PROCESSES }, async () => {
      const numbers: bigint[] = []
      const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'inherit'] })
      for await (const line of createInterface(child.stdout)) {
        numbers.push(BigInt(line))
        total++
      }
      return numbers
    })
    for (const share of [0.2, 0.5, 0.8]) {
      await expect.poll(() => total, { timeout: 30_000 }).toBeGreaterThan(share * PROCESSES * NUMBERS)
      await server.kill()
      await server.restart()
    }
    const all = await Promise.all(drawn)
    await server.stop()
    for (const numbers of all) expect(numbers).toEqual(numbers.toSorted((a, b) => (a < b ? -1 : 1)))
    expect(all.flat()).toHaveLength(PROCESSES * NUMBERS)
    expect(new Set(all.flat()).size).toBe(PROCESSES * NUMBERS)
  },
  120_000,
)
