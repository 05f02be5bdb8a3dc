/** One member of the cluster: its channel, which gRPC opens when it is first used and again after each loss. */
import type { SecureContext } from 'node:tls'
import type * as Grpc from '@grpc/grpc-js'
import { ApiError } from '../../../apis/index.ts'
import type { Address } from '../../../config/index.ts'
import { type ClientTls, formatAddress } from '../../../net/index.ts'
import type { EtcdCodec } from './codec.ts'
import type { Rpc } from './messages.ts'

/** What etcd sends at most in one message: a page of items, whose size is bounded by the server's own limit for each. */
const MAX_MESSAGE_BYTES = 64 * 2 ** 20

const CHANNEL_OPTIONS = {
  'grpc.enable_http_proxy': 0,
  'grpc.enable_retries': 0,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  // A member that is cut off is noticed in 15 s; etcd takes pings every 5 s at most.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.use_local_subchannel_pool': 1,
}

export class EtcdEndpoint {
  readonly address: string
  readonly #grpc: typeof Grpc
  readonly #codec: EtcdCodec
  readonly #target: Address
  readonly #tls: ClientTls | undefined
  #client: Grpc.Client
  /** That of the client: another one when the files of TLS have changed. */
  #context: SecureContext | undefined

  constructor(grpc: typeof Grpc, codec: EtcdCodec, address: Address, tls: ClientTls | undefined) {
    this.address = formatAddress(address)
    this.#grpc = grpc
    this.#codec = codec
    this.#target = address
    this.#tls = tls
    this.#client = this.#open()
  }

  /** Resolves when a request can be sent, so that what fails before has provably not run. */
  ready(timeoutMs: number): Promise<void> {
    const { connectivityState } = this.#grpc
    if (this.#tls?.options(this.#target).secureContext !== this.#context) {
      this.#client.close()
      this.#client = this.#open()
    }
    const channel = this.#client.getChannel()
    const deadline = Date.now() + timeoutMs
    return new Promise((resolve, reject) => {
      const look = (timedOut?: Error): void => {
        const state = channel.getConnectivityState(true)
        if (state === connectivityState.READY) return resolve()
        const isDown = state === connectivityState.TRANSIENT_FAILURE || state === connectivityState.SHUTDOWN
        if (isDown || timedOut) return reject(this.#away(isDown ? 'no connection' : `no connection in ${timeoutMs} ms`))
        channel.watchConnectivityState(state, deadline, look)
      }
      look()
    })
  }

  /** Rejects with a ServiceError of gRPC. */
  call<Request, Response>(
    rpc: Rpc<Request, Response>,
    request: Request,
    token: string | undefined,
    timeoutMs: number,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + timeoutMs }
      const done = (error: Grpc.ServiceError | null, response?: Response): void =>
        error ? reject(error) : resolve(response!)
      const encode = this.#codec.encoder<Request>(rpc.request)
      const decode = this.#codec.decoder<Response>(rpc.response)
      this.#client.makeUnaryRequest(rpc.path, encode, decode, request, this.#metadata(token), options, done)
    })
  }

  stream<Request, Response>(
    rpc: Rpc<Request, Response>,
    token: string | undefined,
  ): Grpc.ClientDuplexStream<Request, Response> {
    const metadata = this.#metadata(token)
    // A member that is cut off from the others then ends the stream instead of saying nothing.
    metadata.set('hasleader', 'true')
    const encode = this.#codec.encoder<Request>(rpc.request)
    const decode = this.#codec.decoder<Response>(rpc.response)
    return this.#client.makeBidiStreamRequest(rpc.path, encode, decode, metadata)
  }

  close(): void {
    this.#client.close()
  }

  #open(): Grpc.Client {
    const { Client, credentials } = this.#grpc
    if (!this.#tls) return new Client(this.address, credentials.createInsecure(), CHANNEL_OPTIONS)
    const { secureContext, servername, rejectUnauthorized = true } = this.#tls.options(this.#target)
    this.#context = secureContext
    const secure = credentials.createFromSecureContext(secureContext!, { rejectUnauthorized })
    const name = servername === undefined ? {} : { 'grpc.ssl_target_name_override': servername }
    return new Client(this.address, secure, { ...CHANNEL_OPTIONS, ...name })
  }

  #metadata(token: string | undefined): Grpc.Metadata {
    const metadata = new this.#grpc.Metadata()
    if (token !== undefined) metadata.set('token', token)
    return metadata
  }

  #away(why: string): ApiError {
    return new ApiError('unavailable', `etcd at ${this.address} cannot be reached: ${why}`)
  }
}
