import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { type Connection, createConnection } from 'mysql2/promise'
import { afterEach, expect, test } from 'vitest'
import { embeddedCredentials, embeddedMysql } from '../../../src/backends/mysql/embedded.ts'
import { mysqlBackendOptions } from '../../../src/backends/mysql/options.ts'
import { type Logger, silentLogger } from '../../../src/observability/logger.ts'
import { systemClock } from '../../../src/protocol.ts'
import type { PrivateServer } from '../../../src/supervise/index.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'embedded-'))
  cleanups.push(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function embedded(dataDirectory: string, binary?: string, logger: Logger = silentLogger): PrivateServer {
  const options = { dataDirectory, ...(binary !== undefined && { binary }) }
  const server = embeddedMysql(options, { logger, clock: systemClock })
  cleanups.push(() => server.close(5_000))
  return server
}

/** Logs in, waiting for a server that is just starting. */
async function login(path: string, database?: string): Promise<Connection> {
  const { username: user, password } = embeddedCredentials
  for (;;) {
    try {
      const options = { socketPath: path, user, password, ...(database !== undefined && { database }) }
      const connection = await createConnection(options)
      connection.on('error', () => {})
      cleanups.push(() => connection.destroy())
      return connection
    } catch (error) {
      if (!['ENOENT', 'ECONNREFUSED', 'ECONNRESET'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
}

async function value(connection: Connection, sql: string): Promise<unknown> {
  const [rows] = await connection.query({ sql, rowsAsArray: true })
  return (rows as unknown[][])[0]?.[0]
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
  const dataDirectory = join(directory(), 'a folder', 'made here')
  const first = embedded(dataDirectory)
  const { path } = await first.start()
  const connection = await login(path, 'app')
  await connection.query('CREATE TABLE t (n INT)')
  await connection.query('INSERT INTO t VALUES (42)')
  expect(await value(connection, 'SELECT @@skip_networking')).toBe(1)
  expect(await value(connection, 'SELECT @@character_set_server')).toBe('utf8mb4')
  expect(await value(connection, 'SELECT @@tmpdir')).toBe(join(dataDirectory, 'tmp'))
  expect(statSync(dataDirectory).mode & 0o777).toBe(0o700)
  const pid = first.pid!
  await first.close(10_000)
  expect(isAlive(pid)).toBe(false)

  const again = await embedded(dataDirectory).start()
  expect(again.path).toBe(path)
  expect(await value(await login(path, 'app'), 'SELECT n FROM t')).toBe(42)
})

test('its account has all rights on data, and none that reach the files of this user or the grants', async () => {
  const connection = await login((await embedded(directory()).start()).path)
  for (const sql of ['CREATE DATABASE other', 'CREATE TABLE other.t (a INT)', 'DROP DATABASE other', 'FLUSH TABLES'])
    await connection.query(sql)
  await expect(connection.query('KILL 99999999')).rejects.toMatchObject({ code: 'ER_NO_SUCH_THREAD' })
  const file = join(tmpdir(), 'never-written')
  const refused = [
    `SELECT 1 INTO OUTFILE '${file}'`,
    `SET GLOBAL general_log_file = '${file}'`,
    "UPDATE mysql.global_priv SET priv = '{}'",
    'DROP TABLE mysql.db',
    'DROP TABLE sys.sys_config',
    'CREATE USER somebody',
    'CREATE ROLE somebody',
    'GRANT ALL ON app.* TO somebody@localhost IDENTIFIED BY "x"',
    'CREATE DEFINER = root@localhost PROCEDURE app.p() SELECT 1',
    'INSTALL SONAME "server_audit"',
    'SHUTDOWN',
  ]
  for (const sql of refused) {
    const code = expect.stringMatching(/ACCESS_?DENIED/)
    await expect(connection.query(sql), sql).rejects.toMatchObject({ code })
  }
  expect(existsSync(file)).toBe(false)
})

test('whoever runs Portolan is root at the server, by the socket; the password is nowhere on disk', async () => {
  const dataDirectory = directory()
  const { path } = await embedded(dataDirectory).start()
  const own = await createConnection({ socketPath: path, user: userInfo().username })
  cleanups.push(() => own.destroy())
  await own.query('CREATE USER somebody')
  const files = readdirSync(dataDirectory, { recursive: true, encoding: 'utf8' }).map(name => join(dataDirectory, name))
  const holders = files.filter(
    file => statSync(file).isFile() && readFileSync(file).includes(embeddedCredentials.password),
  )
  expect(files.length).toBeGreaterThan(100)
  expect(holders).toEqual([])
})

test('is started again after a crash, on the same socket, with its data and the same credentials', async () => {
  const server = embedded(directory())
  const { path } = await server.start()
  await (await login(path, 'app')).query('CREATE TABLE t (n INT PRIMARY KEY)')
  for (const round of [1, 2]) {
    await (await login(path, 'app')).query(`INSERT INTO t VALUES (${round})`)
    const pid = server.pid!
    process.kill(pid, 'SIGKILL')
    await until(() => server.pid !== pid)
    expect(await value(await login(path, 'app'), 'SELECT COUNT(*) FROM t')).toBe(round)
  }
})

test('a directory whose making was cut short is made again', async () => {
  const dataDirectory = directory()
  const early = embedded(dataDirectory)
  const starting = early.start()
  const unfinished = () => readdirSync(dataDirectory).find(name => name.startsWith('new-'))
  await until(() => unfinished() !== undefined && existsSync(join(dataDirectory, unfinished()!, 'mysql')))
  await early.close(5_000)
  await expect(starting).rejects.toThrow()
  expect(unfinished()).toBeDefined()
  expect(existsSync(join(dataDirectory, 'data'))).toBe(false)

  const { path } = await embedded(dataDirectory).start()
  expect(await value(await login(path), 'SELECT COUNT(*) > 0 FROM mysql.help_topic')).toBe(1)
  expect(unfinished()).toBeUndefined()
})

test('is shared by those that name the same directory, and ends with the last', async () => {
  const dataDirectory = directory()
  const [first, second] = [embedded(dataDirectory), embedded(dataDirectory)]
  const [one, two] = await Promise.all([first.start(), second.start()])
  expect(two).toEqual(one)
  const pid = first.pid!
  expect(second.pid).toBe(pid)
  await first.close(5_000)
  expect(await value(await login(one.path), 'SELECT 1')).toBe(1)
  await second.close(5_000)
  expect(isAlive(pid)).toBe(false)
})

test('has its own account, so none may be given', () => {
  const credentials = { username: 'app' }
  expect(mysqlBackendOptions.safeParse({ embedded: true }).success).toBe(true)
  const { error } = mysqlBackendOptions.safeParse({ embedded: true, credentials })
  expect(error?.issues).toMatchObject([{ path: ['credentials'], message: expect.stringContaining('leave') }])
})

test('says what to install when a program is missing, and what mariadbd said when it ends', async () => {
  await expect(embedded(directory(), 'no-such-mariadbd').start()).rejects.toThrow(/apt-get install mariadb-server-core/)
  const dataDirectory = directory()
  const first = embedded(dataDirectory)
  await first.start()
  await first.close(5_000)
  writeFileSync(join(dataDirectory, 'data', 'ibdata1'), 'not what it was')
  await expect(embedded(dataDirectory).start()).rejects.toThrow(/mariadbd ended while starting:\n(.*\n)*.*ibdata1/)
})

test('says what the script said when the data directory cannot be made', async () => {
  const base = directory()
  mkdirSync(join(base, 'bin'))
  writeFileSync(join(base, 'bin/mariadb-install-db'), '#!/bin/sh\necho no space left\nexit 1\n', { mode: 0o755 })
  await expect(embedded(join(base, 'here'), join(base, 'bin/mariadbd')).start()).rejects.toThrow(/no space left/)
})

test('its own looks at the server leave no warning in the log', async () => {
  const warnings: unknown[] = []
  const logger = { ...silentLogger, warn: (...line: unknown[]) => void warnings.push(line) }
  const dataDirectory = directory()
  const server = embedded(dataDirectory, undefined, logger)
  const { path } = await server.start()
  // Its lines come in order: this one behind those about our looks.
  await expect(createConnection({ socketPath: path, user: 'nobody', password: 'x' })).rejects.toThrow(/denied/)
  await until(() => JSON.stringify(warnings).includes('nobody'))
  expect(warnings).toHaveLength(1)
})

test.runIf(process.platform === 'linux')(
  'refuses a directory in use, ends with a parent that is killed, and a left-over is ended at the next start',
  async () => {
    const dataDirectory = directory()
    const parent = await runParent(dataDirectory)
    await expect(embedded(dataDirectory).start()).rejects.toThrow(/in use by another Portolan/)
    parent.process.kill('SIGKILL')
    await until(() => !isAlive(parent.pid))

    // A left-over, as from a system without setpriv: nobody holds the lock, but a server answers.
    const data = ['--no-defaults', '--skip-networking', `--datadir=${dataDirectory}/data`, `--socket=${parent.path}`]
    const user = process.getuid?.() === 0 ? ['--user=root'] : []
    const args = [...data, ...user, `--pid-file=${dataDirectory}/pid`, '--innodb-log-file-size=48M']
    const leftOver = spawn('/usr/sbin/mariadbd', args, { stdio: 'ignore' })
    cleanups.push(() => leftOver.kill('SIGKILL'))
    const gone = once(leftOver, 'exit')
    await until(() => existsSync(join(dataDirectory, 'pid')))
    const next = embedded(dataDirectory)
    const { path } = await next.start()
    await gone
    expect(await value(await login(path), 'SELECT 1')).toBe(1)
    expect(next.pid).not.toBe(leftOver.pid)
  },
)

/** A process of its own that holds an embedded server. */
async function runParent(dataDirectory: string): Promise<{ process: ChildProcess; path: string; pid: number }> {
  const contents = `
    import { embeddedMysql } from './src/backends/mysql/embedded.ts'
    import { silentLogger } from './src/observability/logger.ts'
    import { systemClock } from './src/protocol.ts'
    const server = embeddedMysql({ dataDirectory: process.argv[1] }, { logger: silentLogger, clock: systemClock })
    server.start().then(({ path }) => console.log(JSON.stringify({ path, pid: server.pid })))`
  const stdin = { contents, resolveDir: process.cwd(), loader: 'ts' } as const
  const { outputFiles } = await build({ stdin, bundle: true, platform: 'node', format: 'cjs', write: false })
  const parent = spawn(process.execPath, ['-e', outputFiles[0]!.text, dataDirectory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  cleanups.push(() => parent.kill('SIGKILL'))
  const [line] = await once(parent.stdout.setEncoding('utf8'), 'data')
  return { process: parent, ...JSON.parse(String(line)) }
}
