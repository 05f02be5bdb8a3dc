/**
 * One server as a child process, reached by unix socket only, kept running until close() and ended with Portolan.
 * One Portolan per data directory: a socket that only a living process can hold is the lock.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, realpathSync, rmSync } from 'node:fs'
import type { Server } from 'node:net'
import { dirname, join } from 'node:path'
import { ProxyError } from '../errors.ts'
import type { Runtime } from '../protocol.ts'
import { daemonEnvironment, notInstalled, type Place, type Program } from './program.ts'
import { lock, socketDirectory } from './socket.ts'

type Phase = 'idle' | 'starting' | 'up' | 'waiting' | 'closing' | 'closed'

const READY_POLL_MS = 10
const FIRST_BACK_OFF_MS = 100
const LAST_BACK_OFF_MS = 10_000
/** One that ran this long starts the back-off anew when it dies. */
const STEADY_MS = 30_000
const TAIL_LINES = 8

export class ServerProcess {
  readonly #program: Program
  readonly #dataDirectory: string
  readonly #logger: Runtime['logger']
  readonly #clock: Runtime['clock']
  readonly #tail: string[] = []
  #phase: Phase = 'idle'
  #place: Place | undefined
  #lock: Server | undefined
  #child: ChildProcess | undefined
  /** Aborted when what is being prepared is not wanted any more. */
  readonly #closing = new AbortController()
  #preparing: Promise<void> = Promise.resolve()
  #prefix: readonly string[] | undefined
  #upSince = 0
  #backOffMs = FIRST_BACK_OFF_MS
  #cancelTimer = () => {}

  constructor(program: Program, dataDirectory: string, runtime: Pick<Runtime, 'logger' | 'clock'>) {
    this.#program = program
    this.#dataDirectory = dataDirectory
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
      mkdirSync(this.#dataDirectory, { recursive: true, mode: 0o700 })
      const directory = realpathSync(this.#dataDirectory)
      const sockets = socketDirectory(directory)
      const place = { directory, socketPath: join(sockets, 's') }
      this.#lock = await lock(join(sockets, 'lock'), directory)
      this.#place = place
      await this.#endLeftOver(place)
      process.once('exit', this.#onExit)
      await this.#launch(place)
      return { path: place.socketPath }
    } catch (error) {
      await this.#release()
      this.#phase = 'closed'
      throw error
    }
  }

  /** SIGTERM, so that it writes what it has, and SIGKILL after graceMs. Resolves when the process is gone. */
  async close(graceMs: number): Promise<void> {
    if (this.#phase === 'closing' || this.#phase === 'closed') return
    this.#phase = 'closing'
    this.#cancelTimer()
    this.#closing.abort()
    await this.#preparing.catch(() => {})
    await this.#end(graceMs)
    await this.#release()
    this.#phase = 'closed'
  }

  /** Starts the process and resolves when it answers; rejects when it ends before. */
  async #launch(place: Place): Promise<void> {
    this.#tail.length = 0
    this.#preparing = Promise.resolve(this.#program.prepare?.(place, this.#closing.signal))
    await this.#preparing
    if (this.#isClosing) throw this.#notStarted(undefined)
    this.#prefix ??= diesWithParent() ? ['setpriv', '--pdeathsig', 'TERM'] : []
    const [file, ...args] = [...this.#prefix, this.#program.binary, ...this.#program.arguments(place)]
    // A process group of its own: Ctrl-C is for Portolan, which drains first and ends the server then.
    const child = spawn(file!, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, env: daemonEnvironment() })
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) readLines(stream, line => this.#onLine(line))
    const ended = new Promise<never>((_, reject) => {
      child.once('error', error => reject(this.#notStarted(error)))
      child.once('close', () => reject(this.#notStarted(undefined)))
    })
    await Promise.race([ended, this.#answers(child, place)])
    if (this.#isClosing) throw this.#notStarted(undefined)
    ended.catch(() => this.#onDeath(child, place))
    this.#phase = 'up'
    this.#upSince = this.#clock.now()
    const fields = { pid: child.pid, dataDirectory: place.directory }
    this.#logger.info(fields, `embedded ${this.#program.name} is up`)
  }

  /** Resolves when the server serves; it may listen long before, such as while it loads its data. */
  async #answers(child: ChildProcess, place: Place): Promise<void> {
    while (this.#child === child && (await this.#program.look(place)) !== 'ready') {
      await new Promise<void>(resolve => this.#clock.after(READY_POLL_MS, resolve))
    }
  }

  #onDeath(child: ChildProcess, place: Place): void {
    if (this.#phase !== 'up') return
    if (this.#clock.now() - this.#upSince >= STEADY_MS) this.#backOffMs = FIRST_BACK_OFF_MS
    const fields = { how: child.signalCode ?? child.exitCode, output: this.#tail.join('\n') }
    this.#logger.error(fields, `embedded ${this.#program.name} died; starting it again`)
    this.#retry(place)
  }

  #retry(place: Place): void {
    this.#phase = 'waiting'
    this.#cancelTimer = this.#clock.after(this.#backOffMs, () => {
      this.#phase = 'starting'
      this.#launch(place).catch((error: unknown) => {
        if (this.#phase !== 'starting') return
        const message = `embedded ${this.#program.name} did not start; trying again`
        this.#logger.error({ error: String(error) }, message)
        this.#retry(place)
      })
    })
    this.#backOffMs = Math.min(this.#backOffMs * 2, LAST_BACK_OFF_MS)
  }

  /** We hold the lock, so a server that answers on our socket has outlived the Portolan that started it. */
  async #endLeftOver(place: Place): Promise<void> {
    const { name } = this.#program
    const { directory } = place
    if ((await this.#program.look(place)) === 'absent') return
    this.#logger.warn({ dataDirectory: directory }, `ending a ${name} that an earlier Portolan left behind`)
    await this.#program.endLeftOver(place)
    if ((await this.#program.look(place)) === 'absent') return
    const message = `another ${name} uses ${directory} and does not end: stop it, or choose another data directory`
    throw new ProxyError('embedded-start', message, { source: 'portolan' })
  }

  #onLine(line: string): void {
    this.#tail.push(line)
    if (this.#tail.length > TAIL_LINES) this.#tail.shift()
    // Every server greets and parts with some.
    const isWarning = this.#phase === 'up' && this.#program.isWarning(line)
    this.#logger[isWarning ? 'warn' : 'debug']({ line }, `embedded ${this.#program.name}`)
  }

  #notStarted(cause: Error | undefined): ProxyError {
    const output = this.#tail.join('\n')
    const missing = (cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT' || output.startsWith('setpriv:')
    if (missing) return notInstalled(this.#program.binary, this.#program.package, cause)
    const reason = `${this.#program.name} ended while starting:\n${output}`
    return new ProxyError('embedded-start', reason, { source: 'portolan', cause })
  }

  get #isClosing(): boolean {
    return this.#phase === 'closing'
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
    const { directory, socketPath } = this.#place!
    rmSync(socketPath, { force: true })
    held.close()
    await once(held, 'close')
    const sockets = dirname(socketPath)
    if (sockets !== directory) rmSync(sockets, { recursive: true, force: true })
  }

  /** process.exit() was called: there is no time left to wait, but servers write their data on SIGTERM by themselves. */
  readonly #onExit = (): void => {
    this.#closing.abort()
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
