/** The real program as a process: launcher and bundle, built once per test file. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'
import { buildProgram } from '../support/program.ts'

const ECHO = `
  import { main } from './src/cli/index.ts'
  import { Echo } from './test/app/echo.ts'
  void main(process.argv.slice(2), new Echo()).then(code => process.exit(code))`

export class Program {
  /** A folder of its own, for configurations. */
  readonly folder = mkdtempSync(join(tmpdir(), 'portolan-cli-'))
  #launcher = ''
  readonly #processes: Running[] = []

  /** `entry` as for buildProgram; by default the echo protocol alone. */
  async build(entry = ECHO): Promise<void> {
    this.#launcher = await buildProgram(join(this.folder, 'program'), entry)
  }

  /** Writes a file into the folder and returns its path. */
  write(name: string, content: string): string {
    const path = join(this.folder, name)
    writeFileSync(path, content)
    return path
  }

  start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
    const child = spawn(process.execPath, [this.#launcher, ...args], { env: { ...process.env, ...env } })
    const running = new Running(child)
    this.#processes.push(running)
    return running
  }

  /** The same in a terminal of its own; what is written to standard input are keys. */
  terminal(args: readonly string[]): Running {
    const line = [process.execPath, this.#launcher, ...args].map(word => `'${word}'`).join(' ')
    // Without exec some shells stay between, and die of the Ctrl-C that the program outlives.
    const running = new Running(spawn('script', ['--quiet', '--return', '--command', `exec ${line}`, '/dev/null']))
    this.#processes.push(running)
    return running
  }

  async close(): Promise<void> {
    for (const each of this.#processes) each.child.kill('SIGKILL')
    await Promise.all(this.#processes.map(each => each.code))
    rmSync(this.folder, { recursive: true })
  }
}

export class Running {
  readonly child: ChildProcessWithoutNullStreams
  stdout = ''
  stderr = ''
  /** Resolves with the exit code, or the name of the signal that ended it. */
  readonly code: Promise<number | string>

  constructor(child: ChildProcessWithoutNullStreams) {
    this.child = child
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
    this.code = new Promise(resolve => child.once('close', (code, signal) => resolve(code ?? signal ?? '')))
  }

  /** The lines of the log so far, of which the message is this one. */
  lines(message: string, stream: 'stdout' | 'stderr' = 'stdout'): Record<string, unknown>[] {
    return this[stream]
      .split('\n')
      .slice(0, -1)
      .filter(line => line.startsWith('{'))
      .map(line => JSON.parse(line) as Record<string, unknown>)
      .filter(line => line['msg'] === message)
  }

  /** Waits for the nth line with that message. */
  line(message: string, nth = 1, stream: 'stdout' | 'stderr' = 'stdout'): Promise<Record<string, unknown>> {
    return vi.waitFor(
      () => {
        const line = this.lines(message, stream)[nth - 1]
        if (!line) throw new Error(`no line ${message} in:\n${this.stdout}\n${this.stderr}`)
        return line
      },
      { timeout: 20_000 },
    )
  }

  /** Waits until standard output matches; what has matched. */
  match(pattern: RegExp): Promise<string> {
    return vi.waitFor(
      () => {
        const match = pattern.exec(this.stdout)
        if (!match) throw new Error(`${pattern} is not in:\n${this.stdout}\n${this.stderr}`)
        return match[0]
      },
      { timeout: 20_000 },
    )
  }

  /** Waits until it serves; the address of that listener. */
  async address(listener: string, stream: 'stdout' | 'stderr' = 'stdout'): Promise<string> {
    await this.line('ready', 1, stream)
    const line = this.lines('listening', stream).find(each => each['listener'] === listener)
    return String(line?.['address'])
  }
}
