/**
 * A real, private broker of Kafka for tests: jars from a folder, one process that is broker and controller, free loopback
 * ports and a temporary folder; its data stays over restarts.
 */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Producer } from '@platformatic/kafka'
import { freePorts } from '../../scripts/ports.mjs'
import { ChildServer } from './child-server.ts'

/** A process that starts fast and stays small. */
const JAVA = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto']
const PLAIN = 'org.apache.kafka.common.security.plain.PlainLoginModule'
/** Of each new topic. */
export const PARTITIONS = 3

export interface KafkaSettings {
  /** In PEM form, for the address that speaks TLS. */
  readonly certificate?: { readonly cert: string; readonly key: string }
  /** Who may come to the address that wants a password. */
  readonly user?: { readonly name: string; readonly password: string }
}

interface Ports {
  readonly port: number
  readonly guarded: number
  readonly secure: number
  readonly controller: number
}

export class KafkaServer extends ChildServer {
  readonly address: string
  /** The same broker, for those who say who they are by SASL's PLAIN. */
  readonly guarded: string
  /** The same broker by TLS, when it has a certificate. */
  readonly secure: string
  readonly #jars: string
  readonly #config: string

  /** Resolves when it serves; rejects with its own output if it does not start. */
  static async start(jars: string, settings: KafkaSettings = {}): Promise<KafkaServer> {
    const [port, controller, guarded, secure] = await freePorts(4)
    const ports = { port: port!, controller: controller!, guarded: guarded!, secure: secure! }
    const server = new KafkaServer(jars, ports, settings)
    try {
      await server.launch()
      return server
    } catch (error) {
      await server.stop()
      throw error
    }
  }

  private constructor(
    jars: string,
    ports: Ports,
    { certificate, user = { name: 'nobody', password: '' } }: KafkaSettings,
  ) {
    super('kafka')
    this.address = `127.0.0.1:${ports.port}`
    this.guarded = `127.0.0.1:${ports.guarded}`
    this.secure = `127.0.0.1:${ports.secure}`
    const controller = `127.0.0.1:${ports.controller}`
    this.#jars = join(jars, '*')
    this.#config = join(this.dir, 'server.properties')
    const all = {
      'process.roles': 'broker,controller',
      'node.id': '1',
      'controller.quorum.voters': `1@${controller}`,
      'controller.listener.names': 'CONTROLLER',
      listeners: [
        `PLAINTEXT://${this.address}`,
        `GUARDED://${this.guarded}`,
        `CONTROLLER://${controller}`,
        ...(certificate ? [`SECURE://${this.secure}`] : []),
      ].join(),
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,GUARDED:SASL_PLAINTEXT,SECURE:SSL,CONTROLLER:PLAINTEXT',
      'sasl.enabled.mechanisms': 'PLAIN',
      'listener.name.guarded.plain.sasl.jaas.config': `${PLAIN} required user_${user.name}="${user.password}";`,
      'log.dirs': join(this.dir, 'data'),
      'num.partitions': String(PARTITIONS),
      'offsets.topic.num.partitions': '2',
      'offsets.topic.replication.factor': '1',
      // A killed one is not taken for its own rival for long.
      'broker.session.timeout.ms': '1000',
      'broker.heartbeat.interval.ms': '200',
      'group.initial.rebalance.delay.ms': '0',
      ...(certificate && {
        'listener.name.secure.ssl.keystore.type': 'PEM',
        'listener.name.secure.ssl.keystore.certificate.chain': oneLine(certificate.cert),
        'listener.name.secure.ssl.keystore.key': oneLine(certificate.key),
      }),
    }
    const lines = Object.entries(all).map(([name, value]) => `${name}=${value}\n`)
    writeFileSync(this.#config, lines.join(''))
    const id = randomBytes(16).toString('base64url')
    this.#java('kafka.tools.StorageTool', 'format', '-t', id, '-c', this.#config)
  }

  async launch(): Promise<void> {
    await this.run(['java', ...JAVA, '-cp', this.#jars, 'kafka.Kafka', this.#config], () => answers(this.address))
  }

  /** It takes its time to end in order, and nobody needs its data any more. */
  override async stop(): Promise<void> {
    await this.kill()
    await super.stop()
  }

  #java(...args: readonly string[]): void {
    execFileSync('java', [...JAVA, '-cp', this.#jars, ...args], { stdio: 'pipe' })
  }
}

/** As a file of properties has several lines. */
function oneLine(pem: string): string {
  return pem.trim().replaceAll('\n', '\\n')
}

/** Whether the broker has joined its own cluster. */
async function answers(address: string): Promise<boolean> {
  const client = new Producer({ clientId: 'test', bootstrapBrokers: [address], retries: 0, connectTimeout: 1_000 })
  try {
    const { brokers } = await client.metadata({ topics: [], forceUpdate: true })
    return brokers.size > 0
  } catch {
    return false
  } finally {
    await client.close(true)
  }
}
