/**
 * A real, private PostgreSQL for tests: a free loopback port and a temporary folder; its data stays over restarts. It
 * has the superuser `app` with the password `app`. Ended and cleared away by stop(), at the latest at this process's end.
 */
import { execFileSync } from 'node:child_process'
import { chownSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from '../../scripts/ports.mjs'
import type { Certificate } from '../../src/net/self-signed.ts'
import { ChildServer, type RealServer } from './child-server.ts'

export interface PostgresqlServer extends RealServer {
  /** A folder that goes with it. */
  readonly dir: string
  readonly port: number
  readonly address: string
  /** Runs a statement as the superuser; what psql says, without headings. */
  sql(statement: string): string
}

/** Resolves when it serves; rejects with its own output if it does not start. `tls`: it offers TLS with these, in PEM form. */
export async function startPostgresql({ tls }: { tls?: Certificate } = {}): Promise<PostgresqlServer> {
  const [port] = await freePorts(1)
  const server = new Server(port!, tls)
  try {
    await server.launch()
    return server
  } catch (error) {
    await server.stop()
    throw error
  }
}

/** Where Debian keeps the programs, one folder for each version. */
const VERSIONS = '/usr/lib/postgresql'
/** It refuses to run as root. */
const AS_POSTGRES =
  process.getuid?.() === 0 ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : []

class Server extends ChildServer implements PostgresqlServer {
  readonly port: number
  readonly #programs: string
  readonly #tls: Certificate | undefined

  constructor(port: number, tls: Certificate | undefined) {
    super('postgresql')
    this.port = port
    this.#tls = tls
    const newest = readdirSync(VERSIONS)
      .sort((a, b) => Number(a) - Number(b))
      .at(-1)!
    this.#programs = join(VERSIONS, newest, 'bin')
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  async launch(): Promise<void> {
    const data = join(this.dir, 'data')
    if (!existsSync(data)) this.#initialise(data)
    const settings = {
      port: this.port,
      listen_addresses: '127.0.0.1',
      unix_socket_directories: this.dir,
      // What was committed outlives the process, not the machine.
      fsync: 'off',
      shared_buffers: '16MB',
      max_connections: 150,
      ...(this.#tls && { ssl: 'on' }),
    }
    const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const [program, ...args] = [...AS_POSTGRES, join(this.#programs, 'postgres'), '-D', data, ...options]
    await this.run([program!, ...args], 'ready to accept connections')
  }

  /** Its processes end when they notice that the first has; these end with it. */
  override async kill(): Promise<void> {
    const others = this.#others()
    await super.kill()
    for (const pid of others) signal(pid, 'SIGKILL')
    while (others.some(runs)) await new Promise(resolve => setTimeout(resolve, 5))
  }

  override pause(): void {
    super.pause()
    for (const pid of this.#others()) signal(pid, 'SIGSTOP')
  }

  override resume(): void {
    for (const pid of this.#others()) signal(pid, 'SIGCONT')
    super.resume()
  }

  #others(): readonly number[] {
    const children = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'latin1')
    return children.split(' ').filter(Boolean).map(Number)
  }

  sql(statement: string): string {
    const where = ['-h', '127.0.0.1', '-p', String(this.port), '-U', 'app', '-d', 'postgres']
    const env = { ...process.env, PGPASSWORD: 'app' }
    return execFileSync('psql', ['-XqAt', ...where, '-c', statement], { env, encoding: 'utf8' }).trim()
  }

  #initialise(data: string): void {
    const passwordFile = join(this.dir, 'password')
    writeFileSync(passwordFile, 'app')
    if (AS_POSTGRES.length > 0) for (const path of [this.dir, passwordFile]) chownSync(path, ...idsOfPostgres())
    const account = ['-U', 'app', '--auth=scram-sha-256', `--pwfile=${passwordFile}`]
    const [program, ...args] = [...AS_POSTGRES, join(this.#programs, 'initdb'), '-D', data, '-N', '-E', 'UTF8']
    execFileSync(program!, [...args, '--locale=C.UTF-8', ...account], { stdio: 'pipe' })
    if (!this.#tls) return
    for (const [name, text] of Object.entries({ 'server.crt': this.#tls.cert, 'server.key': this.#tls.key })) {
      const path = join(data, name)
      writeFileSync(path, text, { mode: 0o600 })
      if (AS_POSTGRES.length > 0) chownSync(path, ...idsOfPostgres())
    }
  }
}

function idsOfPostgres(): [uid: number, gid: number] {
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return [id('-u'), id('-g')]
}

function signal(pid: number, name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended.
  }
}

function runs(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}
