/** A real server for tests that is one process with a folder of its own, and can be ended, halted and started again. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface RealServer {
  /** Ends the server and removes its folder. May be called twice. */
  stop(): Promise<void>
  /** SIGKILL, waited for; restart() brings the server back. */
  kill(): Promise<void>
  /** Ends what still runs and starts again with the same ports and folder. */
  restart(): Promise<void>
  /** SIGSTOP: connections stay open and nothing answers until resume(). */
  pause(): void
  resume(): void
}

export interface ChildServerOptions {
  /** Where its folder is made; default the system's place for temporary files. */
  readonly home?: string
  /** How long it may take to end by SIGTERM. Default 5,000 ms. */
  readonly impatienceMs?: number
}

/** Its folder and process are gone after stop(), at the latest when this process exits. */
export abstract class ChildServer implements RealServer {
  readonly dir: string
  readonly #name: string
  readonly #impatienceMs: number
  #child: ChildProcess | undefined

  constructor(name: string, { home = tmpdir(), impatienceMs = 5_000 }: ChildServerOptions = {}) {
    this.#name = name
    this.#impatienceMs = impatienceMs
    this.dir = mkdtempSync(join(home, `${name}-`))
    process.once('exit', this.#clear)
  }

  /** Resolves when it serves; rejects with its own output if it does not start. */
  abstract launch(): Promise<void>

  /** Of the process that runs now; another one after restart(). */
  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error(`${this.#name} does not run`)
    return this.#child.pid
  }

  get #runs(): boolean {
    const child = this.#child
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM')
    process.off('exit', this.#clear)
    this.#clear()
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** SIGTERM, waited for; restart() brings the server back. */
  async halt(): Promise<void> {
    await this.#end('SIGTERM')
  }

  async restart(): Promise<void> {
    await this.halt()
    await this.launch()
  }

  pause(): void {
    process.kill(this.pid, 'SIGSTOP')
    // The signal is only on its way by now.
    while (!isStopped(this.pid));
  }

  resume(): void {
    process.kill(this.pid, 'SIGCONT')
  }

  /** Runs the program until it says that, or answers; rejects with all it has said when it ends before. */
  protected async run(
    [program, ...args]: readonly [program: string, ...args: string[]],
    ready: string | (() => Promise<boolean>),
    env: NodeJS.ProcessEnv = process.env,
  ): Promise<void> {
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    let output = ''
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', () => reject(new Error(`${this.#name} ended:\n${output}`)))
      const hear = (text: string) => {
        if (output.length < 65_536) output += text
        if (typeof ready === 'string' && output.includes(ready)) resolve()
      }
      child.stdout.setEncoding('utf8').on('data', hear)
      child.stderr.setEncoding('utf8').on('data', hear)
      if (typeof ready === 'function') this.#ask(ready).then(answers => answers && resolve(), reject)
    })
  }

  /** Whether it has answered before it ended. */
  async #ask(answers: () => Promise<boolean>): Promise<boolean> {
    while (this.#runs) {
      if (await answers()) return true
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    return false
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child
    const runs = this.#runs
    this.#child = undefined
    if (!child || !runs) return
    const ended = once(child, 'exit')
    child.kill('SIGCONT')
    child.kill(signal)
    // One in an endless loop does not hear SIGTERM.
    const impatience = setTimeout(() => child.kill('SIGKILL'), this.#impatienceMs)
    await ended
    clearTimeout(impatience)
  }

  readonly #clear = (): void => {
    this.#child?.kill('SIGKILL')
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** Whether none of its threads runs. */
function isStopped(pid: number): boolean {
  const tasks = `/proc/${pid}/task`
  return readdirSync(tasks).every(task => /\) [Tt] /.test(readFileSync(join(tasks, task, 'stat'), 'latin1')))
}
