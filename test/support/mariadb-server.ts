/**
 * A real, private mariadbd for tests: a free loopback port and a unix socket in a temporary folder, users root (without
 * a password) and app (password app, all rights), a database app. Ended and cleared away by stop(), at the latest when
 * the process exits. The data directory is a copy of one that is made once and kept for later runs.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, cpSync, existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { delimiter, join } from 'node:path'

export interface MariadbServerOptions {
  /** Further command line arguments, such as `['--max-allowed-packet=64M']`; later ones win. */
  readonly args?: readonly string[]
  /** Statements run at the first start, as root, one on each line. */
  readonly sql?: readonly string[]
  /** Files in PEM form; the server then offers TLS. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string }
}

export interface MariadbServer {
  readonly host: string
  readonly port: number
  readonly socketPath: string
  /** Of the process that runs now; another one after restart(). */
  readonly pid: number
  readonly dir: string
  /** Ends the server (SIGTERM) and removes its folder. May be called twice. */
  stop(): Promise<void>
  /** Ends what still runs and starts again with the same port and data. */
  restart(): Promise<void>
  /** SIGSTOP: connections stay open and nothing answers until resume(). */
  pause(): void
  resume(): void
  /** SIGKILL, waited for; restart() brings the server back. */
  kill(): Promise<void>
}

/** Resolves when the server takes connections; rejects with the server's own output if it does not start. */
export async function startMariadb(options: MariadbServerOptions = {}): Promise<MariadbServer> {
  const template = dataTemplate()
  for (let attempt = 1; ; attempt++) {
    const server = new Server(options, await freePort(), template)
    try {
      await server.launch()
      return server
    } catch (error) {
      await server.stop()
      if (attempt === 5 || !String(error).includes('Address already in use')) throw error
    }
  }
}

const PATH = [process.env['PATH'] ?? '', '/usr/sbin', '/usr/local/sbin', '/usr/libexec'].join(delimiter)
const ENVIRONMENT = { ...process.env, PATH }

/** Small files and no waiting for the disk. */
const SMALL = [
  '--innodb-log-file-size=4M',
  '--innodb-buffer-pool-size=16M',
  '--innodb-flush-log-at-trx-commit=0',
  '--innodb-doublewrite=0',
  '--skip-innodb-use-native-aio',
  '--aria-pagecache-buffer-size=2M',
  '--key-buffer-size=1M',
  '--performance-schema=OFF',
]

/** Refused for root unless it is said; in this form, as mariadb-install-db takes `--user` for a leave to chown plugins. */
const USER = process.getuid?.() === 0 ? ['-uroot'] : []

const SQL = [
  'CREATE DATABASE app',
  "CREATE USER app@'%' IDENTIFIED BY 'app'",
  "GRANT ALL ON *.* TO app@'%' WITH GRANT OPTION",
  "CREATE USER root@'%'",
  "GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION",
]

/** An initialised data directory of this version; made by whoever needs it first. */
function dataTemplate(): string {
  const version = execFileSync('mariadbd', ['--no-defaults', '--version'], { env: ENVIRONMENT })
  const key = createHash('sha256').update(version).update(SMALL.join()).update(SQL.join()).digest('hex').slice(0, 12)
  const template = join(tmpdir(), `mariadb-template-${userInfo().uid}-${key}`)
  if (existsSync(template)) return template
  const building = mkdtempSync(`${template}-`)
  // A server that starts removes the temporary tables of all others in its temporary folder.
  const own = ['--no-defaults', `--datadir=${building}`, `--tmpdir=${building}`]
  const args = [...own, '--auth-root-authentication-method=normal', '--skip-test-db']
  run('mariadb-install-db', [...args, '--skip-name-resolve', ...USER, ...SMALL])
  const input = ['USE mysql', 'FLUSH PRIVILEGES', ...SQL].map(line => `${line};\n`).join('')
  run('mariadbd', [...own, ...USER, ...SMALL, '--bootstrap'], input)
  try {
    renameSync(building, template)
  } catch (error) {
    // Another process was faster: a folder that is not empty is not replaced.
    rmSync(building, { recursive: true, force: true })
    if (!existsSync(template)) throw error
  }
  return template
}

function run(program: string, args: readonly string[], input = ''): void {
  const { status, stdout, stderr, error } = spawnSync(program, args, { env: ENVIRONMENT, input, encoding: 'utf8' })
  if (status !== 0) throw error ?? new Error(`${program} failed:\n${stdout}${stderr}`)
}

/** A loopback port that was free a moment ago. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new Error('no TCP address')
  return address.port
}

class Server implements MariadbServer {
  readonly host = '127.0.0.1'
  readonly port: number
  readonly dir = mkdtempSync(join(tmpdir(), 'mariadb-'))
  readonly socketPath = join(this.dir, 's')
  readonly #args: readonly string[]
  #child: ChildProcess | undefined

  constructor({ args = [], sql = [], tls }: MariadbServerOptions, port: number, template: string) {
    this.port = port
    const data = join(this.dir, 'data')
    cpSync(template, data, { recursive: true })
    chmodSync(data, 0o700)
    const initFile = join(this.dir, 'init.sql')
    writeFileSync(initFile, sql.map(line => `${line};\n`).join(''))
    const all = ['--no-defaults', `--datadir=${data}`, `--init-file=${initFile}`, `--tmpdir=${this.dir}`]
    all.push(`--socket=${this.socketPath}`, `--port=${port}`, `--bind-address=${this.host}`)
    all.push(`--pid-file=${join(this.dir, 'pid')}`, '--skip-name-resolve', '--skip-log-bin', '--local-infile=ON')
    if (tls) all.push(`--ssl-cert=${tls.cert}`, `--ssl-key=${tls.key}`, `--ssl-ca=${tls.ca}`)
    this.#args = [...all, ...USER, ...SMALL, ...args]
    process.once('exit', this.#clear)
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error('mariadbd does not run')
    return this.#child.pid
  }

  async launch(): Promise<void> {
    const child = spawn('mariadbd', this.#args, { env: ENVIRONMENT, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    let output = ''
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', () => reject(new Error(`mariadbd ended:\n${output}`)))
      const hear = (text: string) => {
        if (output.length < 65_536) output += text
        if (output.includes('ready for connections')) resolve()
      }
      child.stdout.setEncoding('utf8').on('data', hear)
      child.stderr.setEncoding('utf8').on('data', hear)
    })
    // What was told to do at the first start is done.
    writeFileSync(join(this.dir, 'init.sql'), '')
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM')
    process.off('exit', this.#clear)
    this.#clear()
  }

  async restart(): Promise<void> {
    await this.#end('SIGTERM')
    await this.launch()
  }

  pause(): void {
    process.kill(this.pid, 'SIGSTOP')
  }

  resume(): void {
    process.kill(this.pid, 'SIGCONT')
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGCONT')
    child.kill(signal)
    const impatience = setTimeout(() => child.kill('SIGKILL'), 15_000)
    await ended
    clearTimeout(impatience)
  }

  readonly #clear = (): void => {
    this.#child?.kill('SIGKILL')
    rmSync(this.dir, { recursive: true, force: true })
  }
}
