/**
 * One redis-server as a child process, reached by unix socket only, kept running until close() and ended with Portolan.
 * One Portolan per data directory: a socket that only a living process can hold is the lock.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, realpathSync, rmSync } from 'node:fs'
import type { Server } from 'node:net'
import { join } from 'node:path'
import { ProxyError } from '../../errors.ts'
import type { Runtime } from '../../protocol.ts'
import { ask, lock, socketDirectory } from './embedded-socket.ts'

export interface EmbeddedRedisOptions {
  /** Made with mode 0700 when absent; holds Redis's files and nothing of anyone else. */
  readonly dataDirectory: string
  /** A name on the PATH or a path. */
  readonly binary?: string
  /** True (default): every write is in the append-only file within a second. False: snapshots, as Redis's own defaults say. */
  readonly appendOnly?: boolean
  /** Redis's `maxmemory`; without it there is no limit. */
  readonly maxMemoryBytes?: number
}

type Phase = 'idle' | 'starting' | 'up' | 'waiting' | 'closing' | 'closed'

const READY_POLL_MS = 10
const FIRST_BACK_OFF_MS = 100
const LAST_BACK_OFF_MS = 10_000
/** One that ran this long starts the back-off anew when it dies. */
const STEADY_MS = 30_000
/** How long a left-over server may take to write its data and leave. */
const TAKE_OVER_MS = 10_000
const TAIL_LINES = 8

export class EmbeddedServer {
  readonly #options: EmbeddedRedisOptions
  readonly #logger: Runtime['logger']
  readonly #clock: Runtime['clock']
  readonly #tail: string[] = []
  #phase: Phase = 'idle'
  #directory = ''
  #socketDirectory = ''
  #lock: Server | undefined
  #child: ChildProcess | undefined
  #prefix: readonly string[] | undefined
  #upSince = 0
  #backOffMs = FIRST_BACK_OFF_MS
  #cancelTimer = () => {}

  constructor(options: EmbeddedRedisOptions, runtime: Pick<Runtime, 'logger' | 'clock'>) {
    this.#options = options
    this.#logger = runtime.logger
    this.#clock = runtime.clock
  }

  /** The process id while a server runs; for status pages and tests. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  /**
   * Resolves with the socket to connect to once the server answers; from then on it is restarted when it dies, on the same
   * socket. Rejects with a ProxyError that says what to do when it cannot be started, and is of no use any more.
   */
  async start(): Promise<{ path: string }> {
    if (this.#phase !== 'idle') throw new Error(`start() in phase ${this.#phase}`)
    this.#phase = 'starting'
    try {
      mkdirSync(this.#options.dataDirectory, { recursive: true, mode: 0o700 })
      this.#directory = realpathSync(this.#options.dataDirectory)
      this.#socketDirectory = socketDirectory(this.#directory)
      this.#lock = await lock(join(this.#socketDirectory, 'lock'), this.#directory)
      await this.#endLeftOver()
      process.once('exit', this.#onExit)
      await this.#launch()
    } catch (error) {
      await this.#release()
      this.#phase = 'closed'
      throw error
    }
    return { path: this.#socketPath }
  }

  /** SIGTERM, so that Redis writes what it has, and SIGKILL after graceMs. Resolves when the process is gone. */
  async close(graceMs: number): Promise<void> {
    if (this.#phase === 'closing' || this.#phase === 'closed') return
    this.#phase = 'closing'
    this.#cancelTimer()
    await this.#end(graceMs)
    await this.#release()
    this.#phase = 'closed'
  }

  get #socketPath(): string {
    return join(this.#socketDirectory, 's')
  }

  /** Starts the process and resolves when it answers; rejects when it ends before. */
  async #launch(): Promise<void> {
    this.#tail.length = 0
    const [file, ...args] = this.#commandLine()
    // A process group of its own: Ctrl-C is for Portolan, which drains first and ends the server then.
    const child = spawn(file!, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) readLines(stream, line => this.#onLine(line))
    const ended = new Promise<never>((_, reject) => {
      child.once('error', error => reject(this.#notStarted(error)))
      child.once('close', () => reject(this.#notStarted(undefined)))
    })
    await Promise.race([ended, this.#answers(child)])
    if (this.#phase === 'closing') throw this.#notStarted(undefined)
    ended.catch(() => this.#onDeath(child))
    this.#phase = 'up'
    this.#upSince = this.#clock.now()
    this.#logger.info({ pid: child.pid, dataDirectory: this.#directory }, 'embedded redis-server is up')
  }

  #commandLine(): string[] {
    const { binary = 'redis-server', appendOnly = true, maxMemoryBytes } = this.#options
    const args = ['--port', '0', '--unixsocket', this.#socketPath, '--unixsocketperm', '700', '--dir', this.#directory]
    args.push('--daemonize', 'no', '--appendonly', appendOnly ? 'yes' : 'no')
    if (appendOnly) args.push('--save', '')
    if (maxMemoryBytes !== undefined) args.push('--maxmemory', String(maxMemoryBytes))
    this.#prefix ??= diesWithParent() ? ['setpriv', '--pdeathsig', 'TERM'] : []
    return [...this.#prefix, binary, ...args]
  }

  /** Resolves when the server says PONG; one that loads its data says LOADING first. */
  async #answers(child: ChildProcess): Promise<void> {
    while (this.#child === child && (await ask(this.#socketPath, 'PING', 1_000)) !== '+PONG') {
      await new Promise<void>(resolve => this.#clock.after(READY_POLL_MS, resolve))
    }
  }

  #onDeath(child: ChildProcess): void {
    if (this.#phase !== 'up') return
    if (this.#clock.now() - this.#upSince >= STEADY_MS) this.#backOffMs = FIRST_BACK_OFF_MS
    const how = child.signalCode ?? child.exitCode
    this.#logger.error({ how, output: this.#tail.join('\n') }, 'embedded redis-server died; starting it again')
    this.#retry()
  }

  #retry(): void {
    this.#phase = 'waiting'
    this.#cancelTimer = this.#clock.after(this.#backOffMs, () => {
      this.#phase = 'starting'
      this.#launch().catch((error: unknown) => {
        if (this.#phase !== 'starting') return
        this.#logger.error({ error: String(error) }, 'embedded redis-server did not start; trying again')
        this.#retry()
      })
    })
    this.#backOffMs = Math.min(this.#backOffMs * 2, LAST_BACK_OFF_MS)
  }

  /** We hold the lock, so a server that answers on our socket has outlived the Portolan that started it. */
  async #endLeftOver(): Promise<void> {
    if ((await ask(this.#socketPath, 'PING', 1_000)) === undefined) return
    this.#logger.warn({ dataDirectory: this.#directory }, 'ending a redis-server that an earlier Portolan left behind')
    await ask(this.#socketPath, 'SHUTDOWN', TAKE_OVER_MS)
    if ((await ask(this.#socketPath, 'PING', 1_000)) === undefined) return
    const message = `another redis-server uses ${this.#directory} and does not end: stop it, or choose another data directory`
    throw new ProxyError('embedded-start', message, { source: 'portolan' })
  }

  #onLine(line: string): void {
    this.#tail.push(line)
    if (this.#tail.length > TAIL_LINES) this.#tail.shift()
    // "pid:role date level message"; # is what Redis calls a warning, and it greets and parts with some.
    const isWarning = /^\d+:\S+ .{19,26} # /.test(line)
    if (isWarning && this.#phase === 'up') this.#logger.warn({ line }, 'embedded redis-server')
    else this.#logger.debug({ line }, 'embedded redis-server')
  }

  #notStarted(cause: Error | undefined): ProxyError {
    const { binary = 'redis-server' } = this.#options
    const output = this.#tail.join('\n')
    const missing = (cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT' || output.startsWith('setpriv:')
    const reason = missing
      ? `${binary} is not installed: "apt-get install redis-server", or your system's package of it`
      : `redis-server ended while starting:\n${output}`
    return new ProxyError('embedded-start', reason, { source: 'portolan', cause })
  }

  async #end(graceMs: number): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    const cancel = this.#clock.after(graceMs, () => child.kill('SIGKILL'))
    await ended
    cancel()
  }

  async #release(): Promise<void> {
    process.off('exit', this.#onExit)
    const held = this.#lock
    this.#lock = undefined
    if (!held) return
    rmSync(this.#socketPath, { force: true })
    held.close()
    await once(held, 'close')
    if (this.#socketDirectory !== this.#directory) rmSync(this.#socketDirectory, { recursive: true, force: true })
  }

  /** process.exit() was called: there is no time left to wait, but Redis writes its data on SIGTERM by itself. */
  readonly #onExit = (): void => {
    this.#child?.kill('SIGTERM')
  }
}

/** On Linux util-linux's setpriv asks the kernel to end the server when Portolan dies, even by SIGKILL. */
function diesWithParent(): boolean {
  return spawnSync('setpriv', ['--pdeathsig', 'TERM', 'true'], { stdio: 'ignore' }).status === 0
}

function readLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = (lines.pop() ?? '').slice(0, 4_096)
    for (const line of lines) if (line !== '') onLine(line)
  })
}
