/**
 * Many clients with random sessions over few connections: whatever the others do, and whatever becomes of the server, each
 * sees its own state and nothing else, and what it has written is there once.
 */
import type { Connection } from 'mysql2/promise'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig } from '../../support/mysql.ts'
import type { MysqlServer } from '../../support/mysql-server.ts'
import { hasMysql9, startMysql9 } from '../../support/mysql9-server.ts'
import { type Portolan, until } from '../../support/portolan.ts'
import { ReplicationSet } from '../../support/replication-set.ts'
import { DATABASES, RandomSession, TABLE } from './random-session.ts'

const CLIENTS = 30
const CONNECTIONS = 8
const STEPS = 80
const POOL = { max: CONNECTIONS, waitTimeout: '60s' }

const rig = new MysqlRig()
const seed = Date.now() & 0xffff
afterEach(() => rig.close())

function sessions(portolan: Portolan): RandomSession[] {
  const connect = () => rig.client(portolan)
  return Array.from({ length: CLIENTS }, (_, number) => new RandomSession(number, seed, connect))
}

async function createTables(direct: Connection): Promise<void> {
  for (const name of DATABASES) {
    await direct.query(`CREATE DATABASE IF NOT EXISTS ${name}`)
    await direct.query(`DROP TABLE IF EXISTS ${name}.t`)
    await direct.query(`CREATE TABLE ${name}.${TABLE}`)
  }
}

/** Sessions that work while things happen to the server, one after the other. Each loses one statement over each of them at most. */
async function whileThingsHappen(portolan: Portolan, happenings: readonly (() => Promise<void>)[], mayLose: boolean) {
  const all = sessions(portolan)
  let isOver = false
  const lives = all.map(async session => {
    await session.begin()
    while (!isOver) await session.step(mayLose)
    await session.end()
  })
  const life = Promise.all(lives)
  let failure: unknown = null
  life.catch(error => {
    failure = error
  })
  const work = async () => {
    const before = all.map(({ steps }) => steps)
    await until(() => failure !== null || all.every(({ steps }, index) => steps > before[index]! + 10), 'all go on')
  }
  for (const happen of happenings) {
    await work()
    if (failure === null) await happen()
  }
  await work()
  isOver = true
  await life
  for (const { losses } of all) expect(losses).toBeLessThanOrEqual(mayLose ? happenings.length : 0)
  return all
}

/** What the servers have together is what the sessions have written. */
async function checkLedgers(all: readonly RandomSession[], servers: readonly MysqlServer[]): Promise<void> {
  const found = new Map<number, number>()
  for (const { port } of servers) {
    const direct = await rig.client(port, { user: 'root', password: '' })
    for (const name of DATABASES) {
      const [rows] = await direct.query(`SELECT c FROM ${name}.t`)
      for (const { c } of rows as { c: number }[]) found.set(c, (found.get(c) ?? 0) + 1)
    }
  }
  const wrong: string[] = []
  for (const { ledger } of all) {
    for (const [number, written] of ledger) {
      const count = found.get(number) ?? 0
      const isRight = written === 'perhaps' ? count <= 1 : count === (written === 'once' ? 1 : 0)
      if (!isRight) wrong.push(`${number}: ${count} times instead of ${written}`)
      found.delete(number)
    }
  }
  expect(wrong).toEqual([])
  expect([...found]).toEqual([])
}

describe(`seed ${seed}`, () => {
  let first: MysqlServer
  let second: MysqlServer
  const backend = {
    credentials: { username: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } },
    pool: POOL,
    holdTime: '60s',
  }
  beforeAll(async () => {
    process.env['MYSQL_TEST_PASSWORD'] = 'app'
    // What was committed outlives the process.
    const args = ['--innodb-flush-log-at-trx-commit=2']
    const start = hasMysql9 ? startMysql9 : startMariadb
    ;[first, second] = (await Promise.all([start({ args }), start({ args })])) as [MysqlServer, MysqlServer]
  })
  afterAll(() => Promise.all([first.stop(), second.stop()]))

  const start = async () => {
    for (const { port } of [first, second]) await createTables(await rig.client(port))
    return rig.portolan(first.port, { backend, graceMs: 60_000 })
  }

  test('each client sees its own session', async () => {
    const portolan = await start()
    const all = sessions(portolan)
    const live = async (session: RandomSession) => {
      await session.begin()
      for (let i = 0; i < STEPS; i++) await session.step()
      await session.end()
    }
    await Promise.all(all.map(live))
    await until(() => portolan.metric('portolan_pinned_sessions') === 0)
    await checkLedgers(all, [first])
  }, 60_000)

  test('the server is killed and restarted in the middle', async () => {
    const portolan = await start()
    const restart = () => first.restart()
    const die = async () => {
      await first.kill()
      await first.restart()
    }
    await checkLedgers(await whileThingsHappen(portolan, [restart, die], true), [first])
    await until(() => portolan.metric('portolan_pinned_sessions') === 0)
  }, 60_000)

  test('the backend is switched to another server in the middle, and back: nothing is lost', async () => {
    const portolan = await start()
    const reloads = [second, first, second].map(
      ({ port }) =>
        () =>
          portolan.reload({ endpoints: [port] }),
    )
    await checkLedgers(await whileThingsHappen(portolan, reloads, false), [first, second])
  }, 60_000)

  test('the primary dies in the middle, and a replica takes its place', async () => {
    process.env['MYSQL_TEST_PASSWORD'] = 'portolan'
    const set = await ReplicationSet.start(2)
    try {
      const [primary, replica] = set.servers as [MysqlServer, MysqlServer]
      await createTables(await rig.client(primary.port, { user: 'root', password: '' }))
      for (const name of DATABASES) await set.run(primary, `GRANT ALL ON ${name}.* TO portolan@'%'`)
      // The replica has what a client is told of.
      await set.acknowledge(replica, primary)
      const credentials = { username: 'portolan', password: { env: 'MYSQL_TEST_PASSWORD' } }
      const portolan = await rig.portolan(primary.port, {
        endpoints: set.ports,
        backend: { ...backend, topology: 'primary-replica', checkInterval: '100ms', credentials },
      })
      const failOver = async () => {
        await primary.kill()
        await set.applyFetched(replica)
        await set.promote(replica)
      }
      await checkLedgers(await whileThingsHappen(portolan, [failOver], true), [replica])
      expect(portolan.metric('portolan_upstream_failovers_total')).toBe(1)
    } finally {
      await set.stop()
    }
  }, 60_000)
})
