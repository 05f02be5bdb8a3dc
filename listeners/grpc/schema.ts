/** Messages of protos/ as bytes and back. Types are looked up by name and made at their first use. */
import protobuf, { type Method, type Type } from 'protobufjs/light.js'
import { protos } from './protos.ts'

export interface MessageCodec {
  readonly encode: (message: object) => Buffer
  readonly decode: (bytes: Buffer) => object
}

/** Everything that protos/ names. */
export const schemaRoot = protobuf.Root.fromJSON(protos)
const codecs = new Map<string, MessageCodec>()

/** The codec of a message, by its full name without the leading dot. */
export function messageCodec(name: string): MessageCodec {
  let codec = codecs.get(name)
  if (!codec) codecs.set(name, (codec = codecOf(schemaRoot.lookupType(name))))
  return codec
}

/** A method of a service: its path on the wire, its kind and its messages. */
export interface MethodShape {
  readonly path: string
  readonly requestStream: boolean
  readonly responseStream: boolean
  readonly request: MessageCodec
  readonly response: MessageCodec
}

export function methodShape(service: string, name: string): MethodShape {
  const method: Method | undefined = schemaRoot.lookupService(service).methods[name]
  if (!method) throw new Error(`${service} has no method ${name}`)
  method.resolve()
  return {
    path: `/${service}/${name}`,
    requestStream: method.requestStream === true,
    responseStream: method.responseStream === true,
    request: codecOf(method.resolvedRequestType!),
    response: codecOf(method.resolvedResponseType!),
  }
}

function codecOf(type: Type): MessageCodec {
  return {
    // Plain objects are taken as they are. In Node the writer writes into a Buffer.
    encode: message => type.encode(message).finish() as Buffer,
    decode: bytes => type.decode(bytes),
  }
}

/** A 64-bit number of a message, where it is known to be small. */
export function toNumber(value: Integer | undefined): number {
  return typeof value === 'object' ? value.toNumber() : (value ?? 0)
}

/** How a 64-bit number of a message is read. */
export type Integer = number | { toNumber(): number }
