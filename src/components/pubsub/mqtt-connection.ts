/**
 * One connection to an MQTT broker, version 5 or 3.1.1, from CONNECT to its end. Only the codec is a library's: the
 * client that comes with it handles the next packet when the one before is acknowledged, which would let one unsettled
 * delivery hold up all others. https://docs.oasis-open.org/mqtt/mqtt/v5.0/mqtt-v5.0.html
 */
import type { Socket } from 'node:net'
import type { IConnackPacket, IConnectPacket, IPublishPacket, Packet } from 'mqtt-packet'
import { ApiError } from '../../apis/index.ts'
import type { Clock } from '../../protocol.ts'
import { type Asked, MqttOutbox, type Publishing } from './mqtt-outbox.ts'
import { errorOf, failureOf, SESSION_TAKEN_OVER, UNSUPPORTED_VERSION } from './mqtt-reasons.ts'

export type MqttCodec = typeof import('mqtt-packet')
export type MqttVersion = 4 | 5

/** The largest packet that is taken, as the broker is told. */
const LARGEST_PACKET = 64 * 1024 * 1024
const PACKET_IDS = 65_535

export interface MqttTransport {
  readonly codec: MqttCodec
  readonly version: MqttVersion
  readonly clock: Clock
  readonly keepAliveMs: number
  /** Limit for each answer of the broker's. */
  readonly answerMs: number
}

export interface MqttHandlers {
  /** May come before open() resolves: the broker continues a session at once. */
  onMessage(packet: IPublishPacket, connection: MqttConnection): void
  /** Once, when it is over for another reason than close(); not when it was never up. */
  onEnd(reason: Error): void
}

/** Another connection has continued its session. */
export class TakenOver extends Error {
  override readonly name = 'TakenOver'
}

/** The broker does not speak this version of MQTT. */
export class VersionRefused extends Error {
  override readonly name = 'VersionRefused'
}

export class MqttConnection {
  readonly #socket: Socket
  readonly #transport: MqttTransport
  readonly #handlers: MqttHandlers
  readonly #asked = new Map<number, Asked>()
  readonly #outbox: MqttOutbox
  readonly #ended: (() => void)[] = []
  #onConnack: ((error: Error | undefined) => void) | undefined
  #onPong: (() => void) | undefined
  #lastId = 0
  #heardAt: number
  #phase: 'connecting' | 'up' | 'ended' = 'connecting'

  private constructor(socket: Socket, transport: MqttTransport, handlers: MqttHandlers) {
    this.#socket = socket
    this.#transport = transport
    this.#handlers = handlers
    this.#heardAt = transport.clock.now()
    this.#outbox = new MqttOutbox(transport, (packet, asked) => {
      const messageId = this.#nextId()
      const bytes = this.#encode({ ...packet, messageId })
      return {
        size: bytes.length,
        send: () => {
          this.#asked.set(messageId, asked)
          this.#socket.write(bytes)
        },
      }
    })
    const parser = transport.codec.parser({ protocolVersion: transport.version })
    parser.on('packet', packet => this.#take(packet))
    parser.on('error', error => this.#end(new Error(`the broker broke the protocol: ${error.message}`)))
    socket.on('data', chunk => {
      this.#heardAt = transport.clock.now()
      if (parser.parse(chunk) > LARGEST_PACKET) this.#end(new Error('the broker sent a packet that is too large'))
    })
    socket.on('error', error => this.#end(error))
    socket.on('close', () => this.#end(new Error('the broker closed the connection')))
  }

  /** Resolves when the broker has accepted. Rejects with VersionRefused, or another error; the socket is closed then. */
  static async open(
    socket: Socket,
    connect: Omit<IConnectPacket, 'cmd' | 'protocolVersion' | 'protocolId' | 'keepalive'>,
    transport: MqttTransport,
    handlers: MqttHandlers,
  ): Promise<MqttConnection> {
    const connection = new MqttConnection(socket, transport, handlers)
    await connection.#connect(connect)
    return connection
  }

  get isUp(): boolean {
    return this.#phase === 'up'
  }

  get version(): MqttVersion {
    return this.#transport.version
  }

  /** Resolves when the broker has it; rejects with `unavailable` when it was not sent, with `unknown` when it may have arrived. */
  publish(message: Publishing): Promise<void> {
    if (!this.isUp) return Promise.reject(new ApiError('unavailable', 'the connection to the MQTT broker is lost'))
    return this.#outbox.publish(message)
  }

  /** Resolves when messages come. */
  async subscribe(topic: string): Promise<void> {
    // What the broker has retained was published before the subscription.
    const subscriptions = [{ topic, qos: 1 as const, ...(this.version === 5 && { nl: false, rap: false, rh: 2 }) }]
    const answer = await this.#ask(messageId => ({ cmd: 'subscribe', messageId, subscriptions }))
    const [granted] = (answer as { granted: number[] }).granted
    if (granted! >= 0x80) throw failureOf(granted!, undefined, `to subscribe to ${topic}`)
  }

  /** As subscribe(), and first comes what the broker has retained. Resolves behind that. */
  async subscribeWithRetained(topic: string): Promise<void> {
    await this.#ask(messageId => ({ cmd: 'subscribe', messageId, subscriptions: [{ topic, qos: 0, rh: 0 }] }))
    await this.#within(resolve => {
      this.#onPong = () => resolve(undefined)
      this.#send({ cmd: 'pingreq' })
    })
  }

  async unsubscribe(topic: string): Promise<void> {
    await this.#ask(messageId => ({ cmd: 'unsubscribe', messageId, unsubscriptions: [topic] }))
  }

  acknowledge(messageId: number): void {
    if (this.isUp) this.#send({ cmd: 'puback', messageId, reasonCode: 0 })
  }

  /** Takes no more packets until resume(). */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#heardAt = this.#transport.clock.now()
    this.#socket.resume()
  }

  /** Says goodbye; with `endsSession` the broker forgets the session (version 5). */
  async close(endsSession = false): Promise<void> {
    if (this.#phase === 'ended') return
    const isUp = this.isUp
    this.#phase = 'ended'
    const properties = this.version === 5 && endsSession ? { properties: { sessionExpiryInterval: 0 } } : {}
    if (isUp) this.#send({ cmd: 'disconnect', reasonCode: 0, ...properties })
    this.#clear(new Error('the connection was closed'))
    const { clock } = this.#transport
    await new Promise<void>(resolve => {
      const cancel = clock.after(1_000, () => this.#socket.destroy())
      this.#socket.once('close', () => {
        cancel()
        resolve()
      })
      this.#socket.resume()
      this.#socket.end()
      if (this.#socket.destroyed) resolve()
    })
  }

  async #connect(connect: Omit<IConnectPacket, 'cmd'>): Promise<void> {
    const { version, keepAliveMs } = this.#transport
    const keepalive = Math.max(1, Math.round(keepAliveMs / 1_000))
    const properties = version === 5 ? { ...connect.properties, maximumPacketSize: LARGEST_PACKET } : undefined
    const { properties: _, ...rest } = connect
    try {
      await this.#within<void>((resolve, reject) => {
        this.#onConnack = error => (error ? reject(error) : resolve())
        const own = { cmd: 'connect', protocolId: 'MQTT', protocolVersion: version, keepalive } as const
        this.#send({ ...rest, ...own, ...(properties && { properties }) })
      })
      if (!this.isUp) throw new ApiError('unavailable', 'the MQTT broker closed the connection')
    } catch (error) {
      this.#phase = 'ended'
      this.#socket.destroy()
      throw error
    }
  }

  #accepted({ reasonCode, returnCode, properties }: IConnackPacket): void {
    const { version, clock, keepAliveMs } = this.#transport
    const reason = reasonCode ?? returnCode ?? 0
    if (UNSUPPORTED_VERSION.has(reason))
      return this.#onConnack?.(new VersionRefused(`the broker does not speak version ${version} of MQTT's protocol`))
    if (reason !== 0) return this.#onConnack?.(failureOf(reason, properties?.reasonString, 'to connect'))
    this.#outbox.window = properties?.receiveMaximum ?? PACKET_IDS
    this.#outbox.largest = properties?.maximumPacketSize ?? LARGEST_PACKET
    this.#phase = 'up'
    this.#ended.push(clock.every(Math.max(1_000, keepAliveMs), () => this.#ping()))
    this.#onConnack?.(undefined)
  }

  #take(packet: Packet): void {
    if (this.#phase === 'ended') return
    switch (packet.cmd) {
      case 'connack':
        return this.#accepted(packet)
      case 'publish':
        return this.#handlers.onMessage(packet, this)
      case 'puback':
        this.#answered(packet)
        return this.#outbox.acknowledged()
      case 'suback':
      case 'unsuback':
        return this.#answered(packet)
      case 'pingresp':
        return this.#onPong?.()
      case 'disconnect': {
        const { reasonCode = 0, properties } = packet
        if (reasonCode === SESSION_TAKEN_OVER) return this.#end(new TakenOver('another one has the session now'))
        return this.#end(failureOf(reasonCode, properties?.reasonString, 'to go on'))
      }
      default:
    }
  }

  #answered(packet: Packet): void {
    const id = packet.messageId!
    const asked = this.#asked.get(id)
    this.#asked.delete(id)
    asked?.resolve(packet)
  }

  #ask(packet: (messageId: number) => Packet): Promise<Packet | undefined> {
    return this.#within<Packet | undefined>((resolve, reject) => {
      if (!this.isUp) return reject(new ApiError('unavailable', 'the connection to the MQTT broker is lost'))
      const messageId = this.#nextId()
      this.#asked.set(messageId, { resolve, reject })
      this.#send(packet(messageId))
    })
  }

  /** Rejects with `unavailable` when it takes too long. */
  #within<T>(ask: (resolve: (answer: T) => void, reject: (error: Error) => void) => void): Promise<T> {
    const { clock, answerMs } = this.#transport
    let cancel = () => {}
    return new Promise<T>((resolve, reject) => {
      const late = () => reject(new ApiError('unavailable', `no answer of the MQTT broker within ${answerMs} ms`))
      cancel = clock.after(answerMs, late)
      this.#ended.push(() => reject(new ApiError('unavailable', 'the connection to the MQTT broker is lost')))
      ask(resolve, reject)
    }).finally(() => cancel())
  }

  /** One that no unanswered packet has. */
  #nextId(): number {
    do this.#lastId = (this.#lastId % PACKET_IDS) + 1
    while (this.#asked.has(this.#lastId))
    return this.#lastId
  }

  #ping(): void {
    const { clock, keepAliveMs } = this.#transport
    const silence = clock.now() - this.#heardAt
    if (silence > 2.5 * keepAliveMs && !this.#socket.isPaused())
      return this.#end(new Error('nothing came from the broker for too long'))
    this.#send({ cmd: 'pingreq' })
  }

  #end(reason: Error): void {
    if (this.#phase === 'ended') return
    const wasUp = this.isUp
    this.#phase = 'ended'
    this.#socket.destroy()
    this.#clear(reason)
    if (wasUp) this.#handlers.onEnd(reason)
  }

  #clear(reason: Error): void {
    for (const each of this.#ended.splice(0)) each()
    for (const { reject } of this.#asked.values()) reject(new ApiError('unknown', reason.message, { cause: reason }))
    this.#asked.clear()
    this.#outbox.clear(errorOf(reason))
  }

  #send(packet: Packet): void {
    this.#socket.write(this.#encode(packet))
  }

  #encode(packet: Packet): Buffer {
    return this.#transport.codec.generate(packet, { protocolVersion: this.version })
  }
}
