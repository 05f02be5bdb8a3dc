/** The processes of a store that is made of several servers: they end together, and their folder goes with them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A real S3 store, ready for requests. */
export interface S3Store {
  readonly port: number
  readonly accessKey: string
  readonly secretKey: string
  stop(): Promise<void>
}

export class ServerProcesses {
  readonly dir: string
  readonly #children: ChildProcess[] = []

  constructor(name: string) {
    this.dir = mkdtempSync(join(tmpdir(), `portolan-${name}-`))
    process.once('exit', this.#clear)
  }

  write(name: string, text: string): string {
    const path = join(this.dir, name)
    writeFileSync(path, text)
    return path
  }

  /** Runs a command of the set-up to its end. */
  async run(command: string, ...args: string[]): Promise<void> {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', text => (output += text))
    const [code] = await once(child, 'close')
    if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${code}\n${output.slice(-2_000)}`)
  }

  /** Starts a server that stays. */
  launch(command: string, ...args: string[]): void {
    this.#children.push(spawn(command, args, { stdio: 'ignore' }))
  }

  /** Asks until the store answers a plain request as S3 does; rejects when one of the servers ends before. */
  async answers(port: number, log: string): Promise<void> {
    const deadline = Date.now() + 60_000
    for (;;) {
      const status = await fetch(`http://127.0.0.1:${port}/`).then(
        answer => answer.status,
        () => 0,
      )
      if (status > 0 && status < 500) return
      const ended = this.#children.find(child => child.exitCode !== null || child.signalCode !== null)
      if (ended || Date.now() > deadline) throw new Error(`${ended?.spawnfile ?? 'no answer'}: ${lastOf(log)}`)
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }

  async stop(): Promise<void> {
    for (const child of this.#children.splice(0).reverse()) {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) continue
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      const impatience = setTimeout(() => child.kill('SIGKILL'), 5_000)
      await ended
      clearTimeout(impatience)
    }
    process.off('exit', this.#clear)
    this.#clear()
  }

  readonly #clear = (): void => {
    for (const child of this.#children) child.kill('SIGKILL')
    rmSync(this.dir, { recursive: true, force: true })
  }
}

function lastOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').slice(-2_000)
  } catch {
    return `no ${file}`
  }
}
