/**
 * Checks the start-up of what was built, for .ci/run: `npm start` serves on free ports, the second start is under 2 s,
 * what was stored is there again, Ctrl-C ends it, and the build left a code cache.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'
import { createConnection } from 'mysql2/promise'
import { ROOT } from './build-state.mjs'
import { freePorts } from './ports.mjs'

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
const SECOND_START_MS = 2_000
const data = mkdtempSync(join(tmpdir(), 'portolan-start-'))
process.on('exit', () => rmSync(data, { recursive: true, force: true }))

const [first, second] = [await start(), await start()]
console.log(`npm start until ready: first ${first.ms.toFixed(0)} ms, second ${second.ms.toFixed(0)} ms`)
if (second.ms > SECOND_START_MS) fail(`the second start took more than ${SECOND_START_MS} ms`)
if (!second.kept) fail('what the first start stored was gone at the second')
if (!existsSync(join(ROOT, `dist/portolan-${process.version}.cache`))) fail('the build wrote no code cache')

/** Starts the quickstart, stores a key a table and a bucket, and ends it as Ctrl-C does. */
async function start() {
  const [redis, mysql, s3, grpc, admin] = await freePorts(5)
  const began = performance.now()
  const child = spawn('npm', ['start'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    // A process group of its own, which gets signals as a whole, as from a terminal.
    detached: true,
    env: {
      ...process.env,
      PORTOLAN_REDIS_PORT: String(redis),
      PORTOLAN_MYSQL_PORT: String(mysql),
      PORTOLAN_S3_PORT: String(s3),
      PORTOLAN_GRPC_PORT: String(grpc),
      PORTOLAN_ADMIN_PORT: String(admin),
      PORTOLAN_DATA_DIR: data,
    },
  })
  const signalGroup = signal => child.exitCode ?? child.signalCode ?? process.kill(-child.pid, signal)
  process.once('exit', () => signalGroup('SIGTERM'))
  const ended = once(child, 'exit')
  let output = ''
  for await (const text of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    output += text
    if (output.includes('Portolan is ready')) break
  }
  child.stdout.resume()
  const ms = performance.now() - began
  if (child.exitCode !== null || !output.includes('Portolan is ready')) fail(`npm start did not get ready:\n${output}`)
  const before = await ask(redis, 'GET kept')
  const set = await ask(redis, 'SET kept yes')
  if (set !== '+OK\r\n') fail(`SET was answered with ${set}`)
  const table = await makeTable(mysql)
  const object = await makeObject(s3)
  signalGroup('SIGINT')
  const [code, signal] = await ended
  // npm itself ends by the signal when what it ran has ended well.
  if (code !== 0 && signal !== 'SIGINT') fail(`npm start ended with ${code ?? signal}`)
  return { ms, kept: before.includes('yes') && table.existed && object.existed }
}

async function makeObject(port) {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local-secret' }
  const client = new S3Client({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials,
  })
  const { Buckets = [] } = await client.send(new ListBucketsCommand({}))
  if (Buckets.length === 0) await client.send(new CreateBucketCommand({ Bucket: 'kept' }))
  client.destroy()
  return { existed: Buckets.length === 1 }
}

async function makeTable(port) {
  const connection = await createConnection({ port, user: 'app', password: 'app', database: 'app' })
  const [tables] = await connection.query('SHOW TABLES')
  await connection.query('CREATE TABLE IF NOT EXISTS kept (n INT)')
  await connection.end()
  return { existed: tables.length === 1 }
}

async function ask(port, command) {
  const socket = connect(port, '127.0.0.1')
  socket.write(`${command}\r\n`)
  const [reply] = await once(socket.setEncoding('utf8'), 'data').catch(error => fail(`${command}: ${error.message}`))
  socket.destroy()
  return reply
}

function fail(message) {
  console.error(`start-up check: ${message}`)
  process.exit(1)
}
