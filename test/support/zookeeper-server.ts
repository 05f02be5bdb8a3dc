/**
 * A real, private ZooKeeper for tests: Debian's jars, a free loopback port and a temporary folder; its data stays over
 * restarts. Ended and cleared away by stop(), at the latest when the process exits.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from './server-processes.ts'

export interface ZooKeeperServer {
  readonly port: number
  readonly address: string
  stop(): Promise<void>
  /** SIGKILL, waited for; restart() brings the server back. */
  kill(): Promise<void>
  /** Ends what still runs and starts again with the same ports and data. */
  restart(): Promise<void>
  /** SIGSTOP: connections stay open and nothing answers until resume(). */
  pause(): void
  resume(): void
}

/** Resolves when it serves; rejects with its own output if it does not start. */
export async function startZooKeeper(): Promise<ZooKeeperServer> {
  const [port] = await freePorts(1)
  const server = new Server(port!)
  try {
    await server.launch()
    return server
  } catch (error) {
    await server.stop()
    throw error
  }
}

const JARS = ['zookeeper', 'zookeeper-jute', 'slf4j-api', 'slf4j-nop', 'netty-all', 'metrics-core', 'snappy-java']
const CLASS_PATH = JARS.map(name => `/usr/share/java/${name}.jar`).join(':')
/** A small process that starts fast. */
const JAVA = ['-Xmx64m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto', '-Dzookeeper.forceSync=no']

class Server implements ZooKeeperServer {
  readonly port: number
  readonly address: string
  readonly #dir = mkdtempSync(join(tmpdir(), 'zookeeper-'))
  readonly #config: string
  #child: ChildProcess | undefined

  constructor(port: number) {
    this.port = port
    this.address = `127.0.0.1:${port}`
    const data = join(this.#dir, 'data')
    mkdirSync(data)
    this.#config = join(this.#dir, 'zoo.cfg')
    const lines = [`dataDir=${data}`, 'clientPortAddress=127.0.0.1', `clientPort=${port}`, 'tickTime=100']
    lines.push('minSessionTimeout=200', 'maxSessionTimeout=60000', 'admin.enableServer=false')
    lines.push('4lw.commands.whitelist=srvr')
    writeFileSync(this.#config, `${lines.join('\n')}\n`)
    process.once('exit', this.#clear)
  }

  async launch(): Promise<void> {
    const args = [...JAVA, '-cp', CLASS_PATH, 'org.apache.zookeeper.server.quorum.QuorumPeerMain', this.#config]
    const child = spawn('java', args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    let output = ''
    let failure: Error | undefined
    child.once('error', error => (failure = error))
    child.once('close', () => (failure ??= new Error(`ZooKeeper ended:\n${output}`)))
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', text => {
        if (output.length < 65_536) output += text
      })
    }
    while (!(await answers(this.port))) {
      if (failure) throw failure
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }

  async stop(): Promise<void> {
    await this.#end('SIGKILL')
    process.off('exit', this.#clear)
    this.#clear()
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async restart(): Promise<void> {
    await this.#end('SIGTERM')
    await this.launch()
  }

  pause(): void {
    this.#child!.kill('SIGSTOP')
  }

  resume(): void {
    this.#child!.kill('SIGCONT')
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGCONT')
    child.kill(signal)
    const impatience = setTimeout(() => child.kill('SIGKILL'), 5_000)
    await ended
    clearTimeout(impatience)
  }

  readonly #clear = (): void => {
    this.#child?.kill('SIGKILL')
    rmSync(this.#dir, { recursive: true, force: true })
  }
}

/** Asks as a monitor does; a server that has just begun says that it does not serve yet. */
async function answers(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' })
  let text = ''
  socket.setEncoding('utf8').on('data', chunk => (text += chunk))
  socket.on('error', () => {})
  socket.setTimeout(1_000, () => socket.destroy())
  socket.write('srvr')
  await once(socket, 'close').catch(() => {})
  return text.startsWith('Zookeeper version')
}
