/**
 * Many clients with random sessions over few connections, each compared with a model of what it has set: whatever the
 * others do, it sees its own state and nothing else.
 */
import type { Connection, ResultSetHeader } from 'mysql2/promise'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig, row, value } from '../../support/mysql.ts'
import { until } from '../../support/portolan.ts'

const CLIENTS = 30
const CONNECTIONS = 8
const STEPS = 80
const DATABASES = ['app', 'one', 'two']

const rig = new MysqlRig()
let server: MariadbServer
beforeAll(async () => {
  process.env['MYSQL_TEST_PASSWORD'] = 'app'
  server = await startMariadb()
  const direct = await rig.client(server.port)
  for (const name of DATABASES) {
    await direct.query(`CREATE DATABASE IF NOT EXISTS ${name}`)
    await direct.query(`CREATE TABLE ${name}.t (id INT PRIMARY KEY AUTO_INCREMENT, c INT)`)
  }
  await rig.close()
})
afterAll(() => server.stop())
afterEach(() => rig.close())

/** Numbers that are the same for the same seed (mulberry32). */
function randomOf(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** What a client has made of its session. */
interface Model {
  database: string
  timeZone: string
  variable: number | null
  insertId: number
}

interface Step {
  readonly client: Connection
  readonly number: number
  readonly model: Model
  readonly random: (below: number) => number
}

const insert = async ({ client, number }: Step): Promise<number> => {
  const [result] = await client.query<ResultSetHeader>('INSERT INTO t (c) VALUES (?)', [number])
  return result.insertId
}

const STEPS_OF_A_CLIENT: readonly ((step: Step) => Promise<void>)[] = [
  async ({ client, model, random }) => {
    model.database = DATABASES[random(DATABASES.length)]!
    await client.query(`USE ${model.database}`)
  },
  async ({ client, model, random }) => {
    model.timeZone = `+0${random(9)}:00`
    await client.query('SET time_zone = ?', [model.timeZone])
  },
  async ({ client, model }) => {
    const seen = await row(client, 'SELECT DATABASE() AS d, @@time_zone AS z')
    expect(seen).toMatchObject({ d: model.database, z: model.timeZone })
  },
  async step => {
    step.model.insertId = await insert(step)
  },
  async ({ client, model }) => {
    expect(await value(client, 'SELECT LAST_INSERT_ID()')).toBe(model.insertId)
  },
  async step => {
    const { client, number, model, random } = step
    await client.beginTransaction()
    model.insertId = await insert(step)
    expect(await value(client, 'SELECT c FROM t WHERE id = ?', [model.insertId])).toBe(number)
    await (random(2) === 0 ? client.commit() : client.rollback())
  },
  async ({ client, random }) => {
    const n = random(1000)
    const [rows] = await client.execute('SELECT ? + 1 AS sum', [n])
    expect(rows).toMatchObject([{ sum: n + 1 }])
  },
  async ({ client, random }) => {
    const text = `é${random(100)}`
    const [rows] = await client.execute('SELECT CONCAT(?, ?) AS text', [text, 'b'])
    expect(rows).toMatchObject([{ text: `${text}b` }])
  },
  async ({ client, model }) => {
    expect(await value(client, 'SELECT @v')).toBe(model.variable)
  },
  async ({ client, model, random }) => {
    // Ties the client to its connection: not too many of them, and only until it resets its session.
    if (random(4) > 0) return
    model.variable = random(1000)
    await client.query(`SET @v = ${model.variable}`)
    expect(await value(client, 'SELECT @v')).toBe(model.variable)
    await reset(client, model)
  },
  async ({ client, number, model, random }) => {
    if (random(4) > 0) return
    await client.query('CREATE TEMPORARY TABLE mine (a INT)')
    await client.query('INSERT INTO mine VALUES (?)', [number])
    expect(await value(client, 'SELECT a FROM mine')).toBe(number)
    await reset(client, model)
  },
  async ({ client, number, random }) => {
    if (random(4) > 0) return
    expect(await value(client, 'SELECT GET_LOCK(?, 1)', [`lock ${number}`])).toBe(1)
    await client.query('SELECT RELEASE_ALL_LOCKS()')
  },
  async ({ client }) => {
    await expect(client.query('NONSENSE')).rejects.toThrow(/SQL syntax/)
  },
]

async function reset(client: Connection, model: Model): Promise<void> {
  await client.reset()
  model.timeZone = 'SYSTEM'
  model.variable = null
  model.insertId = 0
}

test('each client sees its own session', async () => {
  const credentials = { username: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } }
  const backend = { credentials, pool: { max: CONNECTIONS, waitTimeout: '60s' } }
  const portolan = await rig.portolan(server.port, { backend })
  const seed = Date.now() & 0xffff
  const life = async (number: number): Promise<void> => {
    const random = randomOf(seed + number)
    const model: Model = { database: 'app', timeZone: 'SYSTEM', variable: null, insertId: 0 }
    const client = await rig.client(portolan)
    for (let i = 0; i < STEPS; i++) {
      const step = STEPS_OF_A_CLIENT[random(STEPS_OF_A_CLIENT.length)]!
      await step({ client, number, model, random }).catch(error => {
        throw new Error(`seed ${seed}, client ${number}, step ${i}`, { cause: error })
      })
    }
    await client.end()
  }
  await Promise.all(Array.from({ length: CLIENTS }, (_, number) => life(number)))
  await until(() => portolan.metric('portolan_pinned_sessions') === 0)
}, 60_000)
