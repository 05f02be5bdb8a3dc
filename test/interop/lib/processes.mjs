// Starts and ends the processes that a run needs: servers on free loopback ports, and programs with a deadline.
import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { connect } from 'node:net'
import { Unavailable } from './cache.mjs'

const living = new Set()
process.on('exit', () => {
  for (const child of living) killGroup(child, 'SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130))

/** A child that leads its own process group, so that whatever it starts ends with it. */
function spawnGroup(command, args, options) {
  const child = spawn(command, args, { detached: true, ...options })
  living.add(child)
  child.on('exit', () => living.delete(child))
  return child
}

function killGroup(child, signal) {
  try {
    process.kill(-child.pid, signal)
  } catch {
    // it has ended already
  }
}

/** A running server: `{ port, log(), exited, stop() }`; started when it accepts connections. */
export async function startServer(command, args, port, { host = '127.0.0.1', ...options } = {}) {
  const child = spawnGroup(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
  let log = ''
  const keep = chunk => {
    log = (log + chunk).slice(-200_000)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const server = {
    port,
    pid: child.pid,
    log: () => log,
    exited: new Promise(resolve => child.on('close', (code, signal) => resolve(signal ?? code))),
    async stop() {
      killGroup(child, 'SIGTERM')
      const late = setTimeout(() => killGroup(child, 'SIGKILL'), 5_000)
      await server.exited
      clearTimeout(late)
    },
  }
  let failure
  child.on('error', error => {
    failure = error.message
  })
  child.on('exit', (code, signal) => {
    failure ??= `exit ${signal ?? code}: ${log.slice(-2_000)}`
  })
  const deadline = Date.now() + 20_000
  while (!(await accepts(port, host))) {
    if (failure !== undefined) throw new Error(`${command}: ${failure}`)
    if (Date.now() > deadline) throw new Error(`${command} does not listen on ${host}:${port}: ${log.slice(-2_000)}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return server
}

function accepts(port, host) {
  return new Promise(resolve => {
    const socket = connect(port, host)
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

/** A temporary folder that is removed when this server has stopped. */
export function withFolder(dir, server) {
  const { stop } = server
  server.stop = async () => {
    await stop()
    rmSync(dir, { recursive: true, force: true })
  }
  return server
}

/** Runs a program to its end: `{ code, output, timedOut }`. At the deadline its whole process group is killed. */
export function runProgram(command, args, { timeoutMs = 120_000, onOutput, input, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawnGroup(command, args, {
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      ...options,
    })
    let output = ''
    let timedOut = false
    const keep = chunk => {
      output += chunk
      onOutput?.(String(chunk))
    }
    child.stdout.setEncoding('latin1').on('data', keep)
    child.stderr.setEncoding('latin1').on('data', keep)
    if (input !== undefined) child.stdin.end(input)
    const timer = setTimeout(() => {
      timedOut = true
      killGroup(child, 'SIGKILL')
    }, timeoutMs)
    child.on('error', error => {
      clearTimeout(timer)
      reject(new Unavailable(`${command}: ${error.message}`))
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ code: signal ?? code, output, timedOut })
    })
  })
}
