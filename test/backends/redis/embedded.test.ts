import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { Redis } from 'ioredis'
import { afterEach, expect, test } from 'vitest'
import { type EmbeddedRedisOptions, embeddedRedis } from '../../../src/backends/redis/embedded.ts'
import { silentLogger } from '../../../src/observability/logger.ts'
import { systemClock } from '../../../src/protocol.ts'
import type { PrivateServer } from '../../../src/supervise/index.ts'

const runtime = { logger: silentLogger, clock: systemClock }
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'embedded-'))
  cleanups.push(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function embedded(dataDirectory: string, options: Partial<EmbeddedRedisOptions> = {}): PrivateServer {
  const redis = embeddedRedis({ dataDirectory, ...options }, runtime)
  cleanups.push(() => redis.close(5_000))
  return redis
}

function client(path: string): Redis {
  const redis = new Redis({ path, retryStrategy: () => 20, maxRetriesPerRequest: null })
  redis.on('error', () => {})
  cleanups.push(() => redis.disconnect())
  return redis
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Resolves when the condition holds; the test's own time limit is the deadline. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 5))
}

test('serves on a private socket only, keeps data over close() and start(), and leaves no process', async () => {
  const dataDirectory = join(directory(), 'made', 'here')
  const first = embedded(dataDirectory, { maxMemoryBytes: 64 * 1024 * 1024 })
  const { path } = await first.start()
  const redis = client(path)
  expect(await redis.set('k', 'v')).toBe('OK')
  expect(await redis.config('GET', 'port')).toEqual(['port', '0'])
  expect(await redis.config('GET', 'maxmemory')).toEqual(['maxmemory', String(64 * 1024 * 1024)])
  expect(statSync(dataDirectory).mode & 0o777).toBe(0o700)
  expect(statSync(path).mode & 0o077).toBe(0)
  const pid = first.pid!
  await first.close(5_000)
  expect(isAlive(pid)).toBe(false)

  await embedded(dataDirectory).start()
  expect(await redis.get('k')).toBe('v')
})

test('is started again after a crash, on the same socket and with its data', async () => {
  const server = embedded(directory())
  const redis = client((await server.start()).path)
  for (const round of [1, 2, 3]) {
    await redis.set('round', round)
    const pid = server.pid!
    process.kill(pid, 'SIGKILL')
    expect(await redis.get('round')).toBe(String(round))
    expect(server.pid).not.toBe(pid)
  }
})

test('refuses a data directory that another Portolan uses, and takes it when that one has gone', async () => {
  const dataDirectory = directory()
  const parent = await runParent(dataDirectory)
  const server = embedded(dataDirectory)
  await expect(server.start()).rejects.toThrow(/in use by another Portolan/)
  parent.process.kill('SIGKILL')
  await once(parent.process, 'exit')
  expect(await client((await server.start()).path).ping()).toBe('PONG')
})

test('is shared by those that name the same directory, and ends with the last', async () => {
  const dataDirectory = directory()
  const [first, second] = [embedded(dataDirectory), embedded(dataDirectory, { appendOnly: false })]
  const [one, two] = await Promise.all([first.start(), second.start()])
  expect(two).toEqual(one)
  const pid = first.pid!
  expect(second.pid).toBe(pid)
  await first.close(5_000)
  expect(await client(one.path).ping()).toBe('PONG')
  const closing = second.close(5_000)
  const third = embedded(dataDirectory)
  await third.start()
  await closing
  expect(isAlive(pid)).toBe(false)
  expect(third.pid).not.toBe(pid)
})

test('takes a short socket path when the data directory has a long one', async () => {
  const server = embedded(join(directory(), 'x'.repeat(120)))
  const { path } = await server.start()
  expect(path.length).toBeLessThan(104)
  expect(await client(path).ping()).toBe('PONG')
})

test('says what to install when the binary is missing, and what Redis said when it ends', async () => {
  await expect(embedded(directory(), { binary: 'no-such-redis' }).start()).rejects.toThrow(
    /apt-get install redis-server/,
  )
  await expect(embedded(directory(), { maxMemoryBytes: -1 }).start()).rejects.toThrow(/maxmemory/)
})

test('may be closed while it starts, and ends a stopped server at the end of the grace time', async () => {
  const early = embedded(directory())
  const refused = expect(early.start()).rejects.toThrow()
  await until(() => early.pid !== undefined)
  const first = early.pid!
  await early.close(5_000)
  await refused
  expect(isAlive(first)).toBe(false)

  const server = embedded(directory())
  await server.start()
  const pid = server.pid!
  process.kill(pid, 'SIGSTOP')
  await server.close(50)
  expect(isAlive(pid)).toBe(false)
})

test.runIf(process.platform === 'linux')(
  'ends with a parent that is killed, and a left-over is ended at the next start',
  async () => {
    const dataDirectory = directory()
    const parent = await runParent(dataDirectory)
    const redis = client(parent.path)
    await redis.set('k', 'v')
    parent.process.kill('SIGKILL')
    await until(() => !isAlive(parent.pid))

    // A left-over, as from a system without setpriv: nobody holds the lock, but a server answers.
    const args = ['--port', '0', '--unixsocket', parent.path, '--dir', dataDirectory, '--appendonly', 'yes']
    const leftOver = spawn('redis-server', args, { stdio: 'ignore' })
    cleanups.push(() => leftOver.kill('SIGKILL'))
    const gone = once(leftOver, 'exit')
    expect(await redis.get('k')).toBe('v')
    const next = embedded(dataDirectory)
    await next.start()
    await gone
    expect(await redis.get('k')).toBe('v')
    expect(next.pid).not.toBe(leftOver.pid)
  },
)

/** A process of its own that holds an embedded server. */
async function runParent(dataDirectory: string): Promise<{ process: ChildProcess; path: string; pid: number }> {
  const contents = `
    import { embeddedRedis } from './src/backends/redis/embedded.ts'
    import { silentLogger } from './src/observability/logger.ts'
    import { systemClock } from './src/protocol.ts'
    const redis = embeddedRedis({ dataDirectory: process.argv[1] }, { logger: silentLogger, clock: systemClock })
    redis.start().then(({ path }) => console.log(JSON.stringify({ path, pid: redis.pid })))`
  const stdin = { contents, resolveDir: process.cwd(), loader: 'ts' } as const
  const { outputFiles } = await build({ stdin, bundle: true, platform: 'node', format: 'cjs', write: false })
  const parent = spawn(process.execPath, ['-e', outputFiles[0]!.text, dataDirectory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  cleanups.push(() => parent.kill('SIGKILL'))
  const [line] = await once(parent.stdout.setEncoding('utf8'), 'data')
  return { process: parent, ...JSON.parse(String(line)) }
}
