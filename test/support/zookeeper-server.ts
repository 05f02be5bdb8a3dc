/**
 * A real, private ZooKeeper for tests: Debian's jars, a free loopback port and a temporary folder; its data stays over
 * restarts. Ended and cleared away by stop(), at the latest when the process exits.
 */

import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { freePorts } from '../../scripts/ports.mjs'
import { ChildServer, type RealServer } from './child-server.ts'

export interface ZooKeeperServer extends RealServer {
  readonly port: number
  readonly address: string
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

class Server extends ChildServer implements ZooKeeperServer {
  readonly port: number
  readonly address: string
  readonly #config: string

  constructor(port: number) {
    super('zookeeper')
    this.port = port
    this.address = `127.0.0.1:${port}`
    const data = join(this.dir, 'data')
    mkdirSync(data)
    this.#config = join(this.dir, 'zoo.cfg')
    const lines = [`dataDir=${data}`, 'clientPortAddress=127.0.0.1', `clientPort=${port}`, 'tickTime=100']
    lines.push('minSessionTimeout=200', 'maxSessionTimeout=60000', 'admin.enableServer=false')
    lines.push('4lw.commands.whitelist=srvr')
    writeFileSync(this.#config, `${lines.join('\n')}\n`)
  }

  async launch(): Promise<void> {
    const args = [...JAVA, '-cp', CLASS_PATH, 'org.apache.zookeeper.server.quorum.QuorumPeerMain', this.#config]
    await this.run(['java', ...args], () => answers(this.port))
  }

  /** It takes its time to end in order, and nobody needs its data any more. */
  override async stop(): Promise<void> {
    await this.kill()
    await super.stop()
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
