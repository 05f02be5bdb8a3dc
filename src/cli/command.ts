/** The application that `run -- command` starts beside the listeners: its environment, signals and end. */
import { type ChildProcess, spawn } from 'node:child_process'
import { exitCodeOf } from './exit-codes.ts'

export class Command {
  readonly #child: ChildProcess
  /** Resolves with its exit code, 128+n when signal n ended it; rejects when it could not be started. */
  readonly ended: Promise<number>

  /** Starts it with these variables besides our own. */
  constructor(command: readonly string[], variables: Readonly<Record<string, string>>) {
    const [program = '', ...args] = command
    const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...variables } })
    this.#child = child
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code, signal) => resolve(signal ? exitCodeOf(signal) : (code ?? 0)))
    })
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }
}
