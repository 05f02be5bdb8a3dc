/** What servers do to connections on their own, and the limits that they have. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { COM_QUERY, encodeErr, type ResponseTracker, ServerErrors } from '../../../codecs/mysql/index.ts'
import { Upstream } from '../../../src/backends/mysql/upstream.ts'
import type { Home, Recipient, UpstreamFacts } from '../../../src/backends/mysql/upstream-parties.ts'
import type { ProxyError } from '../../../src/errors.ts'
import { startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig, row, value } from '../../support/mysql.ts'
import { until } from '../../support/portolan.ts'

const rig = new MysqlRig()
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  await rig.close()
  for (const cleanup of cleanups.splice(0)) await cleanup()
})
process.env['MYSQL_TEST_PASSWORD'] = 'app'
const credentials = { username: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } }

async function server(...args: string[]) {
  const started = await startMariadb({ args })
  cleanups.push(() => started.stop())
  return started
}

test('prepared statements of all connections together stay below what the server allows', async () => {
  const { port } = await server('--max-prepared-stmt-count=50')
  const portolan = await rig.portolan(port, { backend: { credentials, pool: { max: 5, maxStatements: 100 } } })
  const clients = await rig.clients(5, portolan)
  for (const client of clients) await client.beginTransaction()
  for (let i = 0; i < 20; i++) await Promise.all(clients.map(client => client.execute(`SELECT ${i}`)))
  const direct = await rig.client(port)
  expect(await row(direct, "SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'")).toMatchObject({ Value: '45' })
  const warnings = portolan.log.filter(({ max_prepared_stmt_count: limit }) => limit === 50)
  expect(warnings).toMatchObject([{ level: 'warn', connections: 5, maxStatements: 100, used: 9 }])
})

test('idle connections are closed before the server would do it', async () => {
  const { port } = await server('--wait-timeout=3')
  const portolan = await rig.portolan(port, { backend: { credentials } })
  const client = await rig.client(portolan)
  await client.query('SELECT 1')
  await until(() => portolan.metric('portolan_upstream_connections', { use: 'spare' }) === 0)
  const direct = await rig.client(port)
  // It counts those that it had to end.
  expect(await row(direct, "SHOW GLOBAL STATUS LIKE 'Aborted_clients'")).toMatchObject({ Value: '0' })
  expect(await value(client, 'SELECT 2')).toBe(2)
})

test('a connection that the server has closed while nobody looked is not lent', async () => {
  const { port } = await server()
  const portolan = await rig.portolan(port, { backend: { credentials } })
  const [client, direct] = [await rig.client(portolan), await rig.client(port)]
  await client.query('SELECT 1')
  const pooled = await value(direct, 'SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID()')
  const since = performance.now()
  await until(() => performance.now() - since > 1100)
  const killed = direct.query(`KILL ${pooled}`)
  const answer = value(client, 'SELECT 2')
  // Both arrive, and the end of the connection, before anything of them is looked at.
  for (const start = performance.now(); performance.now() - start < 300; );
  expect(await answer).toBe(2)
  await killed
})

test('what a server says before it has read a request is no answer: the request did not run', async () => {
  const error = await outcome((socket, send) => {
    socket.once('data', () => socket.end(encodeErr(0, ServerErrors.idleTimeout)))
    send()
  })
  expect(error).toMatchObject({ serverCode: ServerErrors.idleTimeout.code, retryable: true })
})

test('a request that was sent may have run', async () => {
  const error = await outcome((socket, send) => {
    socket.once('data', () => socket.resetAndDestroy())
    send()
  })
  expect(error).toMatchObject({ code: 'upstream-lost', retryable: false })
})

/** What becomes of a request to a server that does this with its connection. */
async function outcome(act: (socket: Socket, send: () => void) => void): Promise<ProxyError> {
  const peer = createServer().listen(0, '127.0.0.1')
  await once(peer, 'listening')
  cleanups.push(() => peer.close())
  const socket = connect((peer.address() as AddressInfo).port, '127.0.0.1')
  const [[accepted]] = await Promise.all([once(peer, 'connection'), once(socket, 'connect')])
  return new Promise((resolve, reject) => {
    const recipient: Recipient = {
      stripTrackers: false,
      showAllTrackers: true,
      allowLocalInfile: false,
      onResponse: () => {
        reject(new Error('passed on'))
        return true
      },
      onResponseEnd: (_: ResponseTracker) => reject(new Error('taken for an answer')),
      onLocalInfile: () => {},
      onLost: resolve,
    }
    const upstream = new Upstream(socket, undefined, FACTS as UpstreamFacts, HOME as Home)
    act(accepted, () => {
      upstream.expect(COM_QUERY, recipient)
      upstream.write(Buffer.from([1, 0, 0, 0, COM_QUERY]), true)
    })
  })
}

const FACTS: Partial<UpstreamFacts> = {
  capabilities: { low: 0, mariadb: 0 },
  clientCapabilities: { low: 0, mariadb: 0 },
  baseline: new Map(),
  maxStatements: 1,
  schema: null,
}
const HOME: Partial<Home> = { now: () => 0, onClosed: () => {} }
