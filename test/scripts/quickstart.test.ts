/** What `npm start` runs, from outside: a newcomer's first minute. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { Redis } from 'ioredis'
import { createConnection } from 'mysql2/promise'
import { afterEach, expect, test } from 'vitest'
import { freePorts } from '../../scripts/ports.mjs'

const SETUP = join(import.meta.dirname, '../../scripts/setup.mjs')
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

test('says what listens and what to try, serves Redis and MySQL, and leaves nothing behind', async () => {
  const [redisPort, mysqlPort, s3Port, grpcPort, adminPort] = await freePorts(5)
  const data = mkdtempSync(join(tmpdir(), 'quickstart-'))
  cleanups.push(() => rmSync(data, { recursive: true, force: true }))
  const env = {
    PORTOLAN_REDIS_PORT: `${redisPort}`,
    PORTOLAN_MYSQL_PORT: `${mysqlPort}`,
    PORTOLAN_S3_PORT: `${s3Port}`,
    PORTOLAN_GRPC_PORT: `${grpcPort}`,
    PORTOLAN_ADMIN_PORT: `${adminPort}`,
    PORTOLAN_DATA_DIR: data,
  }

  for (const before of [null, 'world']) {
    const child = start(env)
    const ended = once(child, 'exit')
    const banner = await read(child.stdout, 'Ctrl-C ends it')
    expect(banner).toContain(`redis-cli -p ${redisPort} set hello world`)
    const redis = new Redis({ port: redisPort, retryStrategy: null })
    expect(await redis.get('hello')).toBe(before)
    expect(await redis.set('hello', 'world')).toBe('OK')
    redis.disconnect()
    expect(banner).toContain(`mariadb -h 127.0.0.1 -P ${mysqlPort} -u app -papp app`)
    const mysql = await createConnection({ port: mysqlPort, user: 'app', password: 'app', database: 'app' })
    const [tables] = await mysql.query('SHOW TABLES')
    expect(tables).toHaveLength(before === null ? 0 : 1)
    await mysql.query('CREATE TABLE IF NOT EXISTS hello (n INT)')
    await mysql.end()
    const metrics = await fetch(`http://127.0.0.1:${adminPort}/metrics`)
    expect(await metrics.text()).toContain('portolan_requests_total')
    expect(processesIn(data)).toHaveLength(2)

    // As from a terminal, where npm passes on a second one.
    child.kill('SIGINT')
    child.kill('SIGINT')
    expect(await ended).toEqual([0, null])
    expect(processesIn(data)).toEqual([])
  }
})

test.each([1, 2])('names %i taken ports and the way out, one command', async count => {
  const ports: number[] = []
  for (let i = 0; i < 2; i++) {
    const squatter = createServer().listen(0, '127.0.0.1')
    await once(squatter, 'listening')
    ports.push((squatter.address() as { port: number }).port)
    if (i < count) cleanups.push(() => squatter.close())
    else await once(squatter.close(), 'close')
  }
  const [port, admin] = ports
  const [mysql, s3, grpc] = await freePorts(3)
  const chosen = {
    PORTOLAN_REDIS_PORT: port,
    PORTOLAN_MYSQL_PORT: mysql,
    PORTOLAN_S3_PORT: s3,
    PORTOLAN_GRPC_PORT: grpc,
    PORTOLAN_ADMIN_PORT: admin,
  }
  const child = start(Object.fromEntries(Object.entries(chosen).map(([name, value]) => [name, `${value}`])))
  const ended = once(child, 'exit')
  const complaint = await read(child.stderr, 'npm start')
  expect(complaint).toContain(`Port ${port} (Redis) is taken`)
  expect(complaint.includes(`Port ${admin} (admin) is taken`)).toBe(count === 2)
  const [, redisPort, adminPort] =
    /PORTOLAN_REDIS_PORT=(\d+) PORTOLAN_MYSQL_PORT=\d+ PORTOLAN_S3_PORT=\d+ PORTOLAN_GRPC_PORT=\d+ PORTOLAN_ADMIN_PORT=(\d+) npm start/.exec(
      complaint,
    )!
  expect(Number(redisPort)).not.toBe(port)
  expect(Number(adminPort) === admin).toBe(count === 1)
  expect(redisPort).not.toBe(adminPort)
  expect(await ended).toEqual([1, null])
})

test('refuses what is no port', async () => {
  const child = start({ PORTOLAN_REDIS_PORT: '6379x' })
  const ended = once(child, 'exit')
  expect(await read(child.stderr, '65535')).toContain('PORTOLAN_REDIS_PORT=6379x is not a port')
  expect(await ended).toEqual([1, null])
})

function start(env: NodeJS.ProcessEnv): ChildProcessByStdio<null, Readable, Readable> {
  const child = spawn(process.execPath, [SETUP, 'start'], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  cleanups.push(() => child.kill('SIGTERM'))
  return child
}

/** What the stream said until these words came, or until it ended. */
async function read(stream: Readable, words: string): Promise<string> {
  let text = ''
  for await (const chunk of stream.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    text += chunk
    if (text.includes(words)) break
  }
  return text
}

/** The processes that work in this folder or below, by their current directory. */
function processesIn(folder: string): string[] {
  return readdirSync('/proc').filter(name => {
    if (!/^\d+$/.test(name)) return false
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(folder)
    } catch {
      return false
    }
  })
}
