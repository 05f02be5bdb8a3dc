/** Every example is loaded, and started as a process with real servers behind it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { CommunicationProtocolEnum, DaprClient } from '@dapr/dapr'
import { credentials, makeClientConstructor, type ServiceDefinition } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { type BuildOptions, build } from 'esbuild'
import { type Connection, createConnection } from 'mysql2/promise'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { prepare } from '../../examples/plugin/text-messages/conformance.mjs'
import { bundleOptions } from '../../scripts/build.mjs'
import { freePorts } from '../../scripts/ports.mjs'
import { Authority } from '../net/certificates.ts'
import { startMariadb } from '../support/mariadb-server.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { ReplicationSet } from '../support/replication-set.ts'
import { RespClient } from '../support/resp-client.ts'

const ROOT = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'portolan-examples-'))
const launcher = join(folder, 'bin/portolan.cjs')
const cleanups: (() => unknown)[] = []

beforeAll(async () => {
  const outfile = join(folder, 'dist/portolan.cjs')
  await build({ ...(bundleOptions as BuildOptions), sourcemap: false, outfile })
  mkdirSync(join(folder, 'bin'))
  copyFileSync(join(ROOT, 'bin/portolan.cjs'), launcher)
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
})
afterAll(() => rmSync(folder, { recursive: true }))
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

type Variables = Readonly<Record<string, string>>

/** The program with these files, on free ports; resolves when it is ready. */
async function start(files: readonly string[], variables: Variables, ...further: string[]) {
  const [port, adminPort, mysqlPort, s3Port, grpcPort, daprHttpPort] = await freePorts(6)
  const args = [launcher, 'run', ...files.flatMap(file => ['-c', file]), ...further]
  const ports = {
    PORTOLAN_REDIS_PORT: `${port}`,
    PORTOLAN_TCP_PORT: `${port}`,
    PORTOLAN_MYSQL_PORT: `${mysqlPort}`,
    PORTOLAN_S3_PORT: `${s3Port}`,
    PORTOLAN_GRPC_PORT: `${grpcPort}`,
    PORTOLAN_DAPR_HTTP_PORT: `${daprHttpPort}`,
    PORTOLAN_ADMIN_PORT: `${adminPort}`,
  }
  const child = spawn(process.execPath, args, { cwd: ROOT, env: { ...process.env, ...ports, ...variables } })
  const ended = once(child, 'exit')
  cleanups.push(() => {
    child.kill('SIGTERM')
    return ended
  })
  const output = collect(child)
  await vi.waitFor(() => expect(output()).toMatch(/"msg":"ready"| ready listeners/), { timeout: 20_000 })
  return { port, mysqlPort, s3Port, grpcPort, adminPort, output }
}

function collect(child: ChildProcess): () => string {
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream!.setEncoding('utf8').on('data', part => (text += part))
  return () => text
}

async function client(...target: Parameters<typeof RespClient.connect>): Promise<RespClient> {
  const opened = await RespClient.connect(...target)
  cleanups.push(() => opened.close())
  return opened
}

async function login(port: number, user: string, password: string, database = 'app'): Promise<Connection> {
  const connection = await createConnection({ port, user, password, database })
  cleanups.push(() => connection.destroy())
  return connection
}

function s3Client(port: number, accessKeyId: string, secretAccessKey: string): S3Client {
  const endpoint = `http://127.0.0.1:${port}`
  const credentials = { accessKeyId, secretAccessKey }
  const made = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials, maxAttempts: 1 })
  cleanups.push(() => made.destroy())
  return made
}

async function rows(connection: Connection, sql: string): Promise<unknown> {
  const [found] = await connection.query(sql)
  return found
}

async function server(...options: Parameters<typeof startRedis>): Promise<RedisServer> {
  const started = await startRedis(...options)
  cleanups.push(() => started.stop())
  return started
}

function authority(): Authority {
  const made = new Authority()
  cleanups.push(() => made.remove())
  return made
}

describe('every example', () => {
  const names = readdirSync(join(ROOT, 'examples'))

  it.each(names)('%s is valid', name => {
    const files = readdirSync(join(ROOT, 'examples', name)).filter(file => file.endsWith('.yaml'))
    const parts = files.map(file => file.slice(0, -5))
    // Two halves: the application's, and one for each place.
    const places = parts.filter(part => part !== 'application')
    const sets = parts.includes('application') ? places.map(place => ['application', place]) : [parts]
    for (const set of sets) {
      const args = set.flatMap(file => ['-c', `examples/${name}/${file}.yaml`])
      const { status, stdout } = spawnSync(process.execPath, [launcher, 'check', ...args], {
        cwd: ROOT,
        encoding: 'utf8',
      })
      expect({ status, stdout }).toEqual({
        status: 0,
        stdout: expect.stringMatching(/^√ .*valid, \d listeners?, \d backends?(?:, \d components)?\n$/),
      })
    }
  })
})

it('quickstart serves Redis, MySQL, S3 and the standardized APIs', async () => {
  const variables = { PORTOLAN_DATA_DIR: folder, NO_COLOR: '1' }
  // Both servers are started for it, and ended.
  const check = [launcher, 'check', '--probe', '-c', 'examples/quickstart/portolan.yaml']
  const env = { ...process.env, ...variables }
  const { stdout } = spawnSync(process.execPath, check, { cwd: ROOT, encoding: 'utf8', env })
  expect(stdout).toMatch(/√ \S+mysql\/s {2}MariaDB [\d.]+, [\d.]+ ms, primary, read-write\n/)
  expect(stdout).toMatch(/√ \S+redis\/s {2}redis /)
  const { port, mysqlPort, s3Port, grpcPort } = await start(['examples/quickstart/portolan.yaml'], variables)
  const redis = await client({ port })
  expect(await redis.call('SET', 'k', 'v')).toBe('OK')
  const mysql = await login(mysqlPort, 'app', 'app')
  expect(await rows(mysql, 'SELECT DATABASE() AS name, USER() AS me')).toEqual([
    { name: 'app', me: 'portolan@localhost' },
  ])
  await expect(login(mysqlPort, 'app', 'wrong')).rejects.toMatchObject({ code: 'ER_ACCESS_DENIED_ERROR' })
  const s3 = s3Client(s3Port, 'local', 'local-secret')
  await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  await s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'k', Body: 'v' }))
  const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: 'bucket' }))
  expect(Contents).toMatchObject([{ Key: 'k', Size: 1 }])
  const dapr = daprClient(grpcPort)
  expect(await dapr.lock.lock('lock', 'r', 'me', 60)).toMatchObject({ success: true })
  expect(await dapr.secret.get('secrets', 'greeting')).toEqual({ greeting: 'hello' })
  expect((await dapr.configuration.get('configuration', ['absent'])).items).toEqual({})
  expect((await dapr.pubsub.publish('pubsub', 'topic', 'hello')).error).toBeUndefined()
})

it('api gets what it requires in memory, and is refused where that is not there', async () => {
  const files = ['examples/api/application.yaml', 'examples/api/laptop.yaml']
  const { grpcPort } = await start(files, { NO_COLOR: '1' })
  const dapr = daprClient(grpcPort)
  // By the name of the application's manifest, which no component bears.
  expect(await dapr.lock.lock('mutex', 'r', 'me', 60)).toMatchObject({ success: true })
  const lacking = join(folder, 'lacking.yaml')
  writeFileSync(lacking, 'requires: { mutex: { must: [lock.linearizable] } }\n')
  const args = [launcher, 'run', ...[...files, lacking].flatMap(file => ['-c', file])]
  const env = { ...process.env, PORTOLAN_ADMIN_PORT: '0', PORTOLAN_GRPC_PORT: '0', PORTOLAN_DAPR_HTTP_PORT: '0' }
  const { status, stderr, stdout } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8', env })
  expect(status).not.toBe(0)
  expect(stderr + stdout).toContain('mutex requires lock.linearizable, which locks (memory) does not have')
})

it('api has on etcd what it requires, too', () => {
  const files = ['examples/api/application.yaml', 'examples/api/cluster.yaml']
  const args = [launcher, 'features', ...files.flatMap(file => ['-c', file])]
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' })
  expect([status, stdout]).toEqual([0, expect.stringContaining('√ mutex is met by locks (etcd)')])
})

/** The stock client of Dapr, ended with the test. */
function daprClient(port: number): DaprClient {
  const daprPort = String(port)
  const opened = new DaprClient({
    daprHost: '127.0.0.1',
    daprPort,
    communicationProtocol: CommunicationProtocolEnum.GRPC,
  })
  cleanups.push(() => opened.stop())
  return opened
}

it('mysql has users of its own, each for its databases, before a server with TLS and another account', async () => {
  const ca = authority()
  const { cert, key } = ca.issue('orders')
  const orders = await startMariadb({
    tls: { cert, key, ca: ca.cert },
    sql: [
      "CREATE USER portolan@'%' IDENTIFIED BY 'hunter2' REQUIRE SSL",
      "GRANT ALL ON *.* TO portolan@'%'",
      'CREATE DATABASE reports',
    ],
  })
  cleanups.push(() => orders.stop())
  const { mysqlPort } = await start(['examples/mysql/portolan.yaml'], {
    SHOP_PASSWORD: 'shop-secret',
    REPORTS_PASSWORD: 'reports-secret',
    ORDERS_ENDPOINT: `127.0.0.1:${orders.port}`,
    ORDERS_PASSWORD: 'hunter2',
    ORDERS_CA: ca.cert,
  })
  const shop = await login(mysqlPort, 'shop', 'shop-secret')
  await shop.query('CREATE TABLE orders (id INT PRIMARY KEY)')
  await shop.execute('INSERT INTO orders VALUES (?)', [42])
  expect(await rows(shop, 'SELECT id FROM orders')).toEqual([{ id: 42 }])
  await login(mysqlPort, 'reports', 'reports-secret', 'reports')
  await expect(login(mysqlPort, 'reports', 'reports-secret', 'app')).rejects.toMatchObject({
    code: 'ER_DBACCESS_DENIED_ERROR',
  })
  await expect(login(mysqlPort, 'portolan', 'hunter2')).rejects.toMatchObject({ code: 'ER_ACCESS_DENIED_ERROR' })
})

it('s3 keeps the application its key and its names, before a service with others', async () => {
  const data = mkdtempSync(join(tmpdir(), 'portolan-s3-'))
  cleanups.push(() => rmSync(data, { recursive: true, force: true }))
  // The service: another Portolan, with the quickstart's key and files.
  const service = await start(['examples/quickstart/portolan.yaml'], { PORTOLAN_DATA_DIR: data })
  const real = s3Client(service.s3Port, 'local', 'local-secret')
  for (const Bucket of ['shop-uploads-1250000000', 'shop-archive']) await real.send(new CreateBucketCommand({ Bucket }))
  const { s3Port } = await start(['examples/s3/portolan.yaml'], {
    SHOP_SECRET: 'shop-secret',
    REPORTS_SECRET: 'reports-secret',
    FILES_ENDPOINT: `http://127.0.0.1:${service.s3Port}`,
    FILES_KEY: 'local',
    FILES_SECRET: 'local-secret',
  })
  const shop = s3Client(s3Port, 'shop', 'shop-secret')
  await shop.send(new PutObjectCommand({ Bucket: 'invoices', Key: '2026/1.pdf', Body: 'an invoice' }))
  const kept = await real.send(new ListObjectsV2Command({ Bucket: 'shop-archive' }))
  expect(kept.Contents!.map(({ Key }) => Key)).toEqual(['invoices/2026/1.pdf'])
  const reports = s3Client(s3Port, 'reports', 'reports-secret')
  const seen = await reports.send(new ListObjectsV2Command({ Bucket: 'invoices' }))
  expect(seen.Contents!.map(({ Key }) => Key)).toEqual(['2026/1.pdf'])
  const refused = { name: 'AccessDenied' }
  await expect(reports.send(new ListObjectsV2Command({ Bucket: 'uploads' }))).rejects.toMatchObject(refused)
  const put = new PutObjectCommand({ Bucket: 'invoices', Key: '2026/2.pdf', Body: 'forged' })
  await expect(reports.send(put)).rejects.toMatchObject(refused)
})

it('mysql-replicas writes to the primary, whichever it is, and reads from a replica what the client wrote', async () => {
  const set = await ReplicationSet.start(2)
  cleanups.push(() => set.stop())
  const [primary, replica] = set.servers
  const { mysqlPort, output } = await start(['examples/mysql-replicas/portolan.yaml'], {
    ORDERS_FIRST: `127.0.0.1:${replica!.port}`,
    ORDERS_SECOND: `127.0.0.1:${primary!.port}`,
    ORDERS_PASSWORD: 'portolan',
  })
  await vi.waitFor(() => expect(output()).toContain('"msg":"the primary is found"'), { timeout: 20_000 })
  const client = await login(mysqlPort, 'anybody', '')
  await client.query('CREATE TABLE orders (id INT PRIMARY KEY)')
  await client.execute('INSERT INTO orders VALUES (?)', [42])
  expect(await rows(client, 'SELECT id, server FROM orders, which')).toEqual([{ id: 42, server: 2 }])
  await primary!.kill()
  await set.promote(replica!)
  await client.execute('INSERT INTO orders VALUES (?)', [43])
  expect(await rows(client, 'SELECT COUNT(*) AS orders FROM orders')).toEqual([{ orders: 2 }])
})

it('portable moves a connected client to the cloud when the second file changes', async () => {
  const ca = authority()
  const tls = { ...ca.issue('cache'), ca: ca.cert }
  const cloud = await server({ password: 'hunter2', tls })
  const second = join(folder, 'current.yaml')
  copyFileSync(join(ROOT, 'examples/portable/laptop.yaml'), second)
  const { port, output } = await start(
    ['examples/portable/application.yaml', second],
    {
      PORTOLAN_DATA_DIR: folder,
      CACHE_ENDPOINT: `127.0.0.1:${cloud.tlsPort}`,
      CACHE_PASSWORD: 'hunter2',
      NODE_EXTRA_CA_CERTS: ca.cert,
    },
    '--watch',
  )
  const redis = await client({ port })
  expect(await redis.call('SET', 'where', 'laptop')).toBe('OK')
  copyFileSync(join(ROOT, 'examples/portable/cloud.yaml'), second)
  await vi.waitFor(() => expect(output()).toContain('"msg":"reload applied"'), { timeout: 20_000 })
  expect(await redis.call('GET', 'where')).toBe(null)
  expect(await redis.call('SET', 'where', 'cloud')).toBe('OK')

  writeFileSync(second, readFileSync(second, 'utf8').replace('holdTime', 'holdTme'))
  await vi.waitFor(() => expect(output()).toContain('did you mean \\"holdTime\\"'), { timeout: 20_000 })
  expect(await redis.call('GET', 'where')).toBe('cloud')
})

it('redis-tls asks for certificates on both sides', async () => {
  const ca = authority()
  const [own, application, toCache, cache] = ['own', 'application', 'to-cache', 'cache'].map(name => ca.issue(name))
  const backend = await server({ password: 'hunter2', tls: { ...cache!, ca: ca.cert, clients: true } })
  const { port } = await start(['examples/redis-tls/portolan.yaml'], {
    PORTOLAN_TLS_CERT: own!.cert,
    PORTOLAN_TLS_KEY: own!.key,
    PORTOLAN_TLS_CLIENT_CA: ca.cert,
    CACHE_ENDPOINT: `127.0.0.1:${backend.tlsPort}`,
    CACHE_CA: ca.cert,
    CACHE_CERT: toCache!.cert,
    CACHE_KEY: toCache!.key,
    CACHE_SERVER_NAME: 'localhost',
    CACHE_PASSWORD: 'hunter2',
  })
  const read = (path: string) => readFileSync(path)
  const trust = { ca: read(ca.cert), servername: 'localhost' }
  const redis = await client({ port, tls: { ...trust, cert: read(application!.cert), key: read(application!.key) } })
  expect(await redis.call('PING')).toBe('PONG')
  const stranger = client({ port, tls: trust }).then(connected => connected.call('PING'))
  await expect(stranger).rejects.toThrow()
})

it('users may do what their rules say, and nobody what is denied', async () => {
  const backend = await server({ password: 'hunter2' })
  const { port } = await start(['examples/users/portolan.yaml'], {
    APP_PASSWORD: 'app-secret',
    REPORTS_PASSWORD: 'reports-secret',
    OPERATOR_PASSWORD: 'operator-secret',
    CACHE_PASSWORD: 'hunter2',
    CACHE_ENDPOINT: `127.0.0.1:${backend.port}`,
  })
  const redis = await client({ port })
  const says = async (...args: string[]) => String(await redis.call(...args))
  expect(await says('GET', 'app:1')).toMatch('NOAUTH')
  expect(await says('AUTH', 'app-secret')).toBe('OK')
  expect(await says('SET', 'app:1', 'one')).toBe('OK')
  expect(await says('INFO')).toContain('redis_version')
  expect(await says('SET', 'other', 'one')).toMatch('NOPERM')
  expect(await says('KEYS', '*')).toMatch('NOPERM')
  expect(await says('AUTH', 'reports', 'reports-secret')).toBe('OK')
  expect(await says('GET', 'app:1')).toBe('one')
  expect(await says('DEL', 'app:1')).toMatch('NOPERM')
  expect(await says('AUTH', 'operator', 'operator-secret')).toBe('OK')
  expect(await says('KEYS', '*')).toBe('app:1')
  expect(await says('FLUSHALL')).toMatch('NOPERM')
  expect(await says('CONFIG', 'SET', 'maxmemory', '0')).toMatch('NOPERM')
  expect(await says('CONFIG', 'GET', 'maxmemory')).toBe('maxmemory,0')
})

it('run-command gives the application its Redis, and ends with it', () => {
  const args = [
    launcher,
    'run',
    '-c',
    'examples/run-command/portolan.yaml',
    '--',
    process.execPath,
    'examples/run-command/app.mjs',
  ]
  for (const visit of [1, 2]) {
    const env = { ...process.env, PORTOLAN_DATA_DIR: folder }
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8', env })
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: `visit ${visit}\n`, stderr: '' })
  }
})

it('tcp relays to one of the brokers', async () => {
  const broker = createServer(socket => void socket.on('error', () => {}).end('hello')).listen(0, '127.0.0.1')
  await once(broker, 'listening')
  cleanups.push(() => broker.close())
  const { port: brokerPort } = broker.address() as { port: number }
  const endpoint = `127.0.0.1:${brokerPort}`
  const { port } = await start(['examples/tcp/portolan.yaml'], { BROKER_1: endpoint, BROKER_2: endpoint })
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  expect(await once(socket, 'data')).toEqual(['hello'])
  socket.destroy()
})

describe('the plug-in', () => {
  const plugin = (...args: string[]) =>
    spawnSync(process.execPath, [launcher, ...args], { cwd: ROOT, encoding: 'utf8' })

  it('is listed with its level', () => {
    const { status, stdout } = plugin('features', '-c', 'examples/plugin/portolan.yaml')
    const reason = 'serves examples.messaging.v1.TextMessages by skylark (Skylark Messaging): level 3, proved on 20'
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: expect.stringContaining(`√ plug-in text-messages ${reason}`),
    })
  })

  it('is verified by the program, and a changed one refused by check, features and run', () => {
    const copy = join(folder, 'text-messages')
    cpSync(join(ROOT, 'examples/plugin/text-messages'), copy, { recursive: true })
    const config = join(folder, 'plugin.yaml')
    const text = readFileSync(join(ROOT, 'examples/plugin/portolan.yaml'), 'utf8')
    writeFileSync(config, text.replace('examples/plugin/text-messages', copy))
    writeFileSync(join(copy, 'more.txt'), '')
    const refused = 'listeners.api.plugins[0]'
    for (const [command, code] of [
      ['check', 1],
      ['features', 1],
    ] as const) {
      const { status, stdout } = plugin(command, '-c', config)
      expect({ status, stdout }).toEqual({ status: code, stdout: expect.stringContaining(refused) })
      expect(stdout).toContain('plug-in text-messages is unproved: its files have changed since')
    }
    const { status, stdout, stderr } = plugin('run', '-c', config)
    expect({ status, output: stdout + stderr }).toEqual({
      status: 4,
      output: expect.stringContaining('plug-in text-messages is unproved: its files have changed since'),
    })
    const verified = plugin('plugin', 'verify', copy)
    expect(verified).toMatchObject({ status: 0, stdout: expect.stringContaining('√ proved'), stderr: '' })
    expect(plugin('check', '-c', config).status).toBe(0)
  })

  it.each(['skylark', 'pigeon-post'])('serves from the built program by %s', async implementation => {
    const { options, secrets, close } = await prepare(implementation)
    cleanups.push(close)
    const config = join(folder, `plugin-${implementation}.yaml`)
    const text = readFileSync(join(ROOT, 'examples/plugin/portolan.yaml'), 'utf8')
    writeFileSync(config, text.replace('implementation: skylark', `implementation: ${implementation}`))
    const { grpcPort } = await start([config], {
      TEXT_MESSAGES_URL: options.url,
      TEXT_MESSAGES_TOKEN: secrets.token,
    })
    const definition = loadSync(join(ROOT, 'examples/plugin/text-messages/text-messages.proto'))
    const service = definition['examples.messaging.v1.TextMessages'] as ServiceDefinition
    const Client = makeClientConstructor(service, 'TextMessages')
    const texts = new Client(`127.0.0.1:${grpcPort}`, credentials.createInsecure())
    cleanups.push(() => texts.close())
    const answer = new Promise((resolve, reject) =>
      texts['Send']!({ to: '+491701234567', text: 'hello' }, (error: unknown, value: unknown) =>
        error ? reject(error) : resolve(value),
      ),
    )
    expect(await answer).toEqual({ id: 'm1' })
  })
})
