/** Connects to an MQTT broker: to one endpoint after the other, by version 5 where it is spoken. */
import type { IConnectPacket } from 'mqtt-packet'
import type { ComponentContext } from '../../component.ts'
import { type Address, LiveSecret } from '../../config/index.ts'
import { type ClientTls, connected, formatAddress, openClientTls } from '../../net/index.ts'
import {
  type MqttCodec,
  MqttConnection,
  type MqttHandlers,
  type MqttVersion,
  VersionRefused,
} from './mqtt-connection.ts'
import type { MqttOptions } from './mqtt-options.ts'
import { errorOf } from './mqtt-reasons.ts'

export type MqttSession = Pick<IConnectPacket, 'clientId' | 'clean' | 'will' | 'properties'>

export class MqttDialer {
  /** What was spoken last, or will be tried first. */
  version: MqttVersion
  endpoint = ''
  readonly #options: MqttOptions
  readonly #context: ComponentContext
  readonly #codec: MqttCodec
  readonly #tls: ClientTls | undefined
  readonly #password: LiveSecret | undefined
  #turn = 0

  constructor(options: MqttOptions, context: ComponentContext, codec: MqttCodec) {
    const { name, logger, clock } = context
    this.#options = options
    this.#context = context
    this.#codec = codec
    this.version = options.version === '3.1.1' ? 4 : 5
    this.#tls = options.tls && openClientTls(options.tls, logger)
    const owner = `the password of component ${name}`
    this.#password = options.credentials && new LiveSecret(options.credentials.password, { name: owner, logger, clock })
  }

  /** Rejects with an ApiError. */
  async dial(session: MqttSession, handlers: MqttHandlers): Promise<MqttConnection> {
    const { endpoints } = this.#options
    let failure: unknown
    for (let left = endpoints.length; left > 0; left--) {
      const address = endpoints[this.#turn % endpoints.length]!
      try {
        return await this.#dialOne(address, session, handlers)
      } catch (error) {
        this.#turn++
        failure = error
      }
    }
    throw errorOf(failure)
  }

  close(): void {
    this.#password?.close()
    this.#tls?.close()
  }

  async #dialOne(address: Address, session: MqttSession, handlers: MqttHandlers): Promise<MqttConnection> {
    // A broker may have been replaced by one that speaks more.
    if (this.#options.version === 'auto') this.version = 5
    try {
      return await this.#connect(address, session, handlers)
    } catch (error) {
      if (!(error instanceof VersionRefused) || this.#options.version !== 'auto') throw error
      this.version = 4
      return this.#connect(address, session, handlers)
    }
  }

  async #connect(address: Address, session: MqttSession, handlers: MqttHandlers): Promise<MqttConnection> {
    const { connectTimeout: connectTimeoutMs, keepAlive: keepAliveMs, requestTimeout, credentials } = this.#options
    const password = await this.#password?.read()
    const socket = await connected({ address, tls: this.#tls, connectTimeoutMs })
    const login = credentials && { username: credentials.username, password: Buffer.from(password!) }
    const transport = {
      codec: this.#codec,
      version: this.version,
      clock: this.#context.clock,
      keepAliveMs,
      answerMs: requestTimeout,
    }
    const connection = await MqttConnection.open(socket, { ...session, ...login }, transport, handlers)
    this.endpoint = formatAddress(address)
    return connection
  }
}
