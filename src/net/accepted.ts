/** An accepted connection as a protocol gets it, with the addresses of both its ends. */
import type { Socket } from 'node:net'
import type { ProxyHeader } from '../../codecs/proxy-protocol/index.ts'
import type { Address } from '../config/index.ts'
import { localOf, remoteOf } from './address.ts'

export interface Accepted {
  readonly socket: Socket
  /** Plain, and nothing was read from it yet: its handle may be moved to a socket that reads into a buffer of ours. */
  readonly pristine: boolean
  /** The application's end: what a trusted PROXY header says, else the socket's. Undefined for unix sockets. */
  source(): Address | undefined
  /** The end that the application dialled. */
  destination(): Address | undefined
}

/** With what its PROXY header said, if a trusted peer sent one. */
export class Arrival implements Accepted {
  readonly socket: Socket
  readonly pristine: boolean
  readonly #header: ProxyHeader | undefined

  constructor(socket: Socket, pristine: boolean, header: ProxyHeader | undefined) {
    this.socket = socket
    this.pristine = pristine
    this.#header = header
  }

  source(): Address | undefined {
    return this.#header?.source ?? remoteOf(this.socket)
  }

  destination(): Address | undefined {
    return this.#header?.destination ?? localOf(this.socket)
  }
}
