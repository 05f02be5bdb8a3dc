/** Clients that send statements and do not read: nobody else waits for them, and their answers wait for them. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig, value } from '../../support/mysql.ts'
import { until } from '../tcp/harness.ts'

const rig = new MysqlRig()
let server: MariadbServer
beforeAll(async () => {
  server = await startMariadb()
})
afterAll(() => server.stop())
afterEach(() => rig.close())

/** Together more than all buffers on the way hold; each small enough to come in one piece. */
const STATEMENTS = 3_000
const ANSWER_BYTES = 8_000

test('a client that does not read its answers keeps its connection from nobody', async () => {
  const credentials = { username: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } }
  process.env['MYSQL_TEST_PASSWORD'] = 'app'
  const portolan = await rig.portolan(server.port, { backend: { credentials, pool: { max: 1 } } })
  const [slow, other] = await rig.clients(2, portolan)
  const { stream } = (slow as unknown as { connection: { stream: import('node:net').Socket } }).connection
  let received = 0
  stream.removeAllListeners('data')
  stream.pause()

  const text = Buffer.from(`\x03SELECT REPEAT('x', ${ANSWER_BYTES})`)
  const packet = Buffer.concat([Buffer.from([text.length, 0, 0, 0]), text])
  stream.write(Buffer.concat(Array(STATEMENTS).fill(packet)))
  // Both take turns until the slow one's answers go no further.
  for (let i = 0; i < STATEMENTS; i++) expect(await value(other!, 'SELECT 1')).toBe(1)

  stream.on('data', (chunk: Buffer) => {
    received += chunk.length
  })
  stream.resume()
  await until(() => received >= STATEMENTS * ANSWER_BYTES)
})

test('a client that does not read a large result holds up nobody, and little of the result waits for it', async () => {
  const credentials = { username: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } }
  process.env['MYSQL_TEST_PASSWORD'] = 'app'
  const portolan = await rig.portolan(server.port, { backend: { credentials, pool: { max: 2 } } })
  const [slow, other] = await rig.clients(2, portolan)
  const { stream } = (slow as unknown as { connection: { stream: import('node:net').Socket } }).connection
  stream.removeAllListeners('data')
  stream.pause()
  const rows = 150
  const rowBytes = 1_000_000
  const text = Buffer.from(`\x03SELECT REPEAT('x', ${rowBytes}) FROM seq_1_to_${rows}`)
  stream.write(Buffer.concat([Buffer.from([text.length, 0, 0, 0]), text]))
  const sent = () => portolan.metric('portolan_downstream_bytes_total', { direction: 'sent' })
  await until(() => sent() > rowBytes)
  for (let i = 0; i < 1000; i++) expect(await value(other!, 'SELECT 1')).toBe(1)
  // What the system holds for both sides, and one piece in between.
  expect(sent()).toBeLessThan(32 * 1024 * 1024)

  let received = 0
  stream.on('data', (chunk: Buffer) => {
    received += chunk.length
  })
  stream.resume()
  await until(() => received > rows * rowBytes)
}, 30_000)
