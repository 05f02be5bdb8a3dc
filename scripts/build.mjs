/**
 * Builds dist/: portolan.cjs, one bundle of the program, and V8's code cache for it, which bin/portolan.cjs loads so that
 * nothing is compiled on the way to listening. dist/build.json, written last, tells what it was built from.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import * as esbuild from 'esbuild'
import { createConnection } from 'mysql2/promise'
import { fingerprint, ROOT } from './build-state.mjs'
import { answers, freePorts } from './ports.mjs'

const DIST = join(ROOT, 'dist')
const BUNDLE = join(DIST, 'portolan.cjs')
const CACHE = join(DIST, `portolan-${process.version}.cache`)

/** In the registries a protocol stands for itself by its name, its folder's; its code runs when anything else is asked of it. */
const lateProtocols = {
  name: 'late-protocols',
  setup({ onLoad }) {
    onLoad({ filter: /(listeners|src\/backends)\/index\.ts$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8')
      const late = /^import \{ (\w+) \} from '(\.\/(\w+)\/index\.ts)'$/gm
      if (!late.test(source)) throw new Error('has changed: it imports no protocols')
      const contents = source.replace(
        late,
        `const $1 = new Proxy({ name: '$3', protocol: '$3' }, { get: (own, key) => own[key] ?? require('$2').$1[key] })`,
      )
      return { contents, loader: 'ts' }
    })
  },
}

/** The .proto files are parsed here, so that no start does it. */
const parsedProtos = {
  name: 'parsed-protos',
  setup({ onLoad }) {
    onLoad({ filter: /listeners\/grpc\/protos\.ts$/ }, async ({ path }) => {
      const options = { entryPoints: [path], bundle: true, platform: 'node', format: 'cjs', write: false }
      const define = { 'import.meta.url': JSON.stringify(pathToFileURL(path).href) }
      const { outputFiles } = await esbuild.build({ ...options, define, packages: 'external' })
      const module = { exports: {} }
      new Function('require', 'module', 'exports', outputFiles[0].text)(createRequire(path), module, module.exports)
      return {
        contents: `export const protos = JSON.parse(${JSON.stringify(JSON.stringify(module.exports.protos))})`,
        loader: 'ts',
      }
    })
  },
}

/** How the program is bundled; scripts/dev.mjs adds watching. */
export const bundleOptions = {
  absWorkingDir: ROOT,
  entryPoints: ['src/main.ts'],
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'cjs',
  // The function that bin/portolan.cjs calls: put around the bundle here, so that no start copies it once more.
  banner: { js: '(function (require) {' },
  footer: { js: '})' },
  minifySyntax: true,
  // Half of the source is never read, and without comments it is ASCII: V8 keeps one byte per character, not two.
  minifyWhitespace: true,
  minifyIdentifiers: true,
  // Stacks keep useful line numbers.
  lineLimit: 120,
  sourcemap: 'external',
  legalComments: 'none',
  // What is imported lazily becomes a lazy require: vm.Script knows no import().
  supported: { 'dynamic-import': false },
  // pino and prom-client are inside although they load late: from node_modules, without the code cache, pino alone
  // holds up the event loop for 25 ms right after the start.
  external: [
    'amqplib',
    'lmdb',
    'mqtt-packet',
    'mysql2',
    '@aws-sdk/*',
    '@grpc/proto-loader',
    '@nats-io/*',
    '@platformatic/kafka',
    'hessian.js',
    'pg',
  ],
  plugins: [lateProtocols, parsedProtos],
  logOverride: { 'empty-import-meta': 'error', 'unsupported-dynamic-import': 'silent' },
}

async function build() {
  const inputs = fingerprint()
  const { outputFiles } = await esbuild.build({ ...bundleOptions, outfile: BUNDLE, write: false })
  mkdirSync(DIST, { recursive: true })
  for (const file of readdirSync(DIST)) if (file.startsWith('portolan-')) rmSync(join(DIST, file), { force: true })
  for (const { path, contents } of outputFiles) {
    writeFileSync(`${path}.new`, contents)
    renameSync(`${path}.new`, path)
  }
  await writeCodeCache()
  const state = { fingerprint: inputs, node: process.version }
  writeFileSync(join(DIST, 'build.json'), `${JSON.stringify(state)}\n`)
}

/** Runs the quickstart once, uses it a little and lets it end. The program works without the cache too, only starts slower. */
async function writeCodeCache() {
  const directory = mkdtempSync(join(tmpdir(), 'portolan-build-'))
  const [redis, mysql, s3, grpc, admin] = await freePorts(5)
  const preload = ['--require', join(ROOT, 'scripts/code-cache.cjs')]
  const child = spawn(
    process.execPath,
    [...preload, 'bin/portolan.cjs', 'run', '-c', 'examples/quickstart/portolan.yaml'],
    {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        PORTOLAN_CODE_CACHE: CACHE,
        PORTOLAN_DATA_DIR: directory,
        PORTOLAN_REDIS_PORT: String(redis),
        PORTOLAN_MYSQL_PORT: String(mysql),
        PORTOLAN_S3_PORT: String(s3),
        PORTOLAN_GRPC_PORT: String(grpc),
        PORTOLAN_ADMIN_PORT: String(admin),
      },
    },
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', text => (output += text))
  const ended = once(child, 'exit')
  // On a machine without redis-server or mariadbd it lives and listens all the same; ready it never is.
  if (await answers(child, admin, '/livez', 10_000)) {
    await answers(child, admin, '/readyz', 10_000)
    await Promise.all([exerciseRedis(redis), exerciseMysql(mysql), exerciseS3(s3), exerciseApis(grpc)])
    await answers(child, admin, '/metrics', 2_000)
  }
  child.kill('SIGTERM')
  const impatience = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await ended
  clearTimeout(impatience)
  rmSync(directory, { recursive: true, force: true })
  if (!existsSync(CACHE)) console.error(`build: no code cache, the program starts slower; its run said:\n${output}`)
}

/** What most clients of Redis do first. */
function exerciseRedis(port) {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.setTimeout(2_000, () => socket.destroy())
    socket
      .once('error', () => {})
      .once('close', resolve)
      .resume()
    for (const command of ['HELLO 3', 'CLIENT SETINFO LIB-NAME x', 'PING', 'SET k v', 'GET k', 'DEL k', 'QUIT']) {
      const words = command.split(' ').map(word => `$${word.length}\r\n${word}\r\n`)
      socket.write(`*${words.length}\r\n${words.join('')}`)
    }
  })
}

/** And of MySQL. */
async function exerciseMysql(port) {
  const options = { host: '127.0.0.1', port, user: 'app', password: 'app', database: 'app', connectTimeout: 2_000 }
  const connection = await createConnection(options).catch(() => undefined)
  if (!connection) return
  for (const sql of ['SET NAMES utf8mb4', 'SELECT 1', 'BEGIN', 'COMMIT']) await connection.query(sql)
  await connection.execute('SELECT ?', [1])
  await connection.end()
}

/** And of S3. */
async function exerciseS3(port) {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
  const { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } = await import('@aws-sdk/client-s3')
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local-secret' }
  const endpoint = `http://127.0.0.1:${port}`
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials, maxAttempts: 1 })
  const object = { Bucket: 'build', Key: 'k' }
  try {
    await client.send(new CreateBucketCommand({ Bucket: 'build' }))
    await client.send(new PutObjectCommand({ ...object, Body: 'v' }))
    await (await client.send(new GetObjectCommand(object))).Body.transformToString()
  } catch {
  } finally {
    client.destroy()
  }
}

/** And of the standardized APIs: one call, by a message with the field that names the store and one that names the key. */
async function exerciseApis(port) {
  const { Client, credentials } = await import('@grpc/grpc-js')
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  const bytes = value => value
  const request = Buffer.from('\x0a\x0dconfiguration\x12\x01k', 'latin1')
  const deadline = Date.now() + 2_000
  const path = '/dapr.proto.runtime.v1.Dapr/GetConfiguration'
  await new Promise(resolve => client.makeUnaryRequest(path, bytes, bytes, request, { deadline }, resolve))
  client.close()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await build().catch(error => {
    // esbuild has shown its own errors already.
    if (!error.errors) throw error
    process.exitCode = 1
  })
}
