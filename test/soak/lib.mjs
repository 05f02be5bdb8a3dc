// What the soak scripts share: the built program and redis-servers as processes, a small client, memory of a process.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import RedisParser from 'redis-parser'
import { freePort, freePorts } from '../../scripts/ports.mjs'

/** What is run: the built program, unless the environment names another. */
const launcher = process.env.SOAK_PROGRAM ?? fileURLToPath(new URL('../../bin/portolan.cjs', import.meta.url))
const TOKEN = 'soak-token'

export const folder = mkdtempSync(join(tmpdir(), 'portolan-soak-'))
const children = []

process.once('SIGTERM', () => cleanUp().finally(() => process.exit(143)))

/** Ends every process and removes what was written. */
export async function cleanUp() {
  for (const child of children) child.kill('SIGTERM')
  await Promise.all(children.map(child => child.exitCode ?? child.signalCode ?? once(child, 'exit')))
  rmSync(folder, { recursive: true, force: true })
}

export async function startRedis(...args) {
  const port = await freePort()
  const child = spawn('redis-server', ['--port', port, '--bind', '127.0.0.1', '--save', '', '--dir', folder, ...args], {
    stdio: 'ignore',
  })
  children.push(child)
  await accepts(port)
  return { port, pid: child.pid }
}

/** The program with one Redis listener over the port given; `reload` moves it to another. */
export async function startPortolan(backendPort, { listener = '', backend = '' } = {}) {
  const [port, admin] = await freePorts(2)
  const file = join(folder, 'portolan.yaml')
  const write = to =>
    writeFileSync(
      file,
      `listeners:
  main: { protocol: redis, address: '127.0.0.1:${port}', backend: main${listener && `, ${listener}`} }
backends:
  main: { protocol: redis, endpoints: ['127.0.0.1:${to}']${backend && `, ${backend}`} }
admin: { address: '127.0.0.1:${admin}', token: { env: SOAK_TOKEN } }
log: { level: warn }
`,
    )
  write(backendPort)
  const child = spawn(process.execPath, [launcher, 'run', '-c', file], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, SOAK_TOKEN: TOKEN },
  })
  children.push(child)
  await accepts(admin)
  await accepts(port)
  const url = path => `http://127.0.0.1:${admin}${path}`
  return {
    port,
    pid: child.pid,
    async reload(to) {
      write(to)
      const response = await fetch(url('/reload'), { method: 'POST', headers: { authorization: `Bearer ${TOKEN}` } })
      if (!response.ok) throw new Error(`reload: ${response.status} ${await response.text()}`)
    },
    async metrics() {
      return (await fetch(url('/metrics'))).text()
    },
  }
}

/** A client whose replies come in order; error replies reject. */
export class Client {
  #waiting = []
  #parser = new RedisParser({
    returnReply: reply => this.#take(reply),
    returnError: error => this.#fail(error),
    returnFatalError: error => this.socket.destroy(error),
  })

  constructor(port, onMessage) {
    this.onMessage = onMessage
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.socket.on('data', chunk => this.#parser.execute(chunk))
    this.socket.on('error', () => {})
    this.socket.on('close', () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error('the connection was closed'))
    })
  }

  call(...args) {
    return this.pipeline([args]).then(([reply]) => reply)
  }

  pipeline(requests) {
    this.socket.write(requests.map(encode).join(''))
    return Promise.all(requests.map(() => new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))))
  }

  close() {
    this.socket.destroy()
  }

  #take(reply) {
    if (this.onMessage && reply?.[0] === 'message') this.onMessage(reply)
    else this.#waiting.shift().resolve(reply)
  }

  #fail(error) {
    this.#waiting.shift().reject(error)
  }
}

export function encode(args) {
  return `*${args.length}\r\n${args.map(arg => `$${Buffer.byteLength(String(arg))}\r\n${arg}\r\n`).join('')}`
}

/** Resident memory of a process in MiB. */
export function residentMiB(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024
}

/** Watches the memory of a process; `stop` returns its peak in MiB. */
export function watchMemory(pid) {
  let peak = residentMiB(pid)
  const timer = setInterval(() => (peak = Math.max(peak, residentMiB(pid))), 20)
  return {
    stop() {
      clearInterval(timer)
      return Math.max(peak, residentMiB(pid))
    },
  }
}

/** Runs a soak; prints its result and sets the exit code. */
export async function soak(name, run) {
  const started = Date.now()
  try {
    const result = await run()
    console.log(`${name}: ${result} (${((Date.now() - started) / 1000).toFixed(0)} s)`)
  } catch (error) {
    process.exitCode = 1
    console.error(`${name}: FAILED: ${error.stack}`)
  } finally {
    await cleanUp()
  }
}

export function check(condition, message) {
  if (!condition) throw new Error(message)
}

async function accepts(port) {
  for (let attempt = 0; attempt < 500; attempt++) {
    const socket = connect({ port, host: '127.0.0.1' })
    const connected = await new Promise(resolve => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    socket.destroy()
    if (connected) return
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  throw new Error(`nothing listens on port ${port}`)
}
