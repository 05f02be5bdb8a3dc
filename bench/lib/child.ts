/**
 * Child processes of a benchmark: started on free ports with a readiness check, raised file limits and a core of their
 * own, and certain to be gone when the benchmark ends, however it ends.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { promisify } from 'node:util'

const run = promisify(execFile)
const alive = new Set<ChildProcess>()

export interface Running {
  readonly pid: number
  readonly port: number
  /** Throws with the exit status and the end of its output when the process has ended by itself. */
  check(): void
  /** Ends the process, by force after two seconds; resolves when it is gone. */
  stop(): Promise<void>
}

/** Ends every child at once, for the moment before this process ends. */
export function killChildren(): void {
  for (const child of alive) child.kill('SIGKILL')
}

/** The command with the soft limit of open files raised to the hard one. */
export function withFiles(command: readonly string[]): string[] {
  return ['sh', '-c', 'ulimit -n "$(ulimit -Hn)" && exec "$@"', 'sh', ...command]
}

/** The command on one core; undefined for no pinning. */
export function onCore(core: number | undefined, command: readonly string[]): string[] {
  return core === undefined ? [...command] : ['taskset', '-c', String(core), ...command]
}

/** Moves all threads of a running process to these cores ("1", "0-3"). */
export async function moveTo(cores: string, pid: number): Promise<void> {
  await run('taskset', ['-apc', cores, String(pid)])
}

/** Long enough for every row; a load client that is still there then waits for an answer that never comes. */
const CLIENT_DEADLINE_MS = 60_000

/** Starts a load client, which ends by itself or by force at its deadline; output is the caller's to read. */
export function launchClient(
  command: readonly string[],
  stdin: 'pipe' | 'ignore' = 'ignore',
  deadlineMs = CLIENT_DEADLINE_MS,
): ChildProcess {
  return launch(command, stdin, deadlineMs)
}

function launch(command: readonly string[], stdin: 'pipe' | 'ignore', timeout?: number): ChildProcess {
  const [file, ...args] = command
  const child = spawn(file as string, args, { stdio: [stdin, 'pipe', 'pipe'], timeout, killSignal: 'SIGKILL' })
  alive.add(child)
  child.once('exit', () => alive.delete(child))
  return child
}

/** Starts a server and resolves once its port accepts; rejects with the end of its output when it exits before. */
export async function startServer(command: readonly string[], port: number): Promise<Running> {
  const child = launch(command, 'ignore')
  let output = ''
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-2000)
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  let failure: string | undefined
  child.once('error', error => {
    failure = error.message
  })
  child.once('exit', (code, signal) => {
    failure ??= `exit ${code ?? signal}`
  })
  const check = () => {
    if (failure !== undefined) throw new Error(`the server has ended: ${failure}\n${command.join(' ')}\n${output}`)
  }
  await untilAccepting(port, check)
  return { pid: child.pid as number, port, check, stop: () => stopChild(child) }
}

/** Ends a child, by force after two seconds. */
export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const force = setTimeout(() => child.kill('SIGKILL'), 2000)
  await gone
  clearTimeout(force)
}

/** A text in the output of a client, and what is called as soon as it has come. */
export interface Mark {
  readonly text: string
  reached(): void
}

/** Runs a client to its end and gives its standard output; rejects with its error output when it fails. */
export async function runToEnd(command: readonly string[], mark?: Mark, deadlineMs?: number): Promise<string> {
  const child = launchClient(command, 'ignore', deadlineMs)
  const output: Buffer[] = []
  const errors: Buffer[] = []
  let isDue = mark !== undefined
  child.stdout?.on('data', chunk => {
    output.push(chunk)
    if (!isDue || !Buffer.concat(output).includes(mark!.text)) return
    isDue = false
    mark!.reached()
  })
  child.stderr?.on('data', chunk => errors.push(chunk))
  const code = await new Promise<number | string | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (exit, signal) => resolve(exit ?? signal))
  })
  if (code !== 0)
    throw new Error(`${command.join(' ')}: exit ${code}\n${Buffer.concat(errors).toString().slice(-2000)}`)
  return Buffer.concat(output).toString()
}

/** Resolves once the port accepts a connection; asks every millisecond, at most for 15 s. `check` may throw to end it. */
export async function untilAccepting(port: number, check: () => void): Promise<void> {
  const deadline = Date.now() + 15_000
  for (;;) {
    check()
    if (await accepts(port)) return
    if (Date.now() > deadline) throw new Error(`nothing listens on port ${port} after 15 s`)
    await new Promise(resolve => setTimeout(resolve, 1))
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
