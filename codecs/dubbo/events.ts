/** Events: what both ends say of the connection itself. Their bodies are a value of Hessian 2: null, or a short text. */
import { type DubboHeader, encodeFrame, HESSIAN2 } from './header.ts'

const NULL = Buffer.from('N')
/** The text `R`. */
const READ_ONLY = Buffer.from([1, 0x52])

/** Asks whether the other end is still there. */
export function encodeHeartbeat(id: bigint): Buffer {
  return encodeFrame({ isRequest: true, isTwoWay: true, isEvent: true, serialization: HESSIAN2, status: 0, id }, NULL)
}

/** Answers an event of the other end, in the serialization that it speaks. */
export function encodeHeartbeatAnswer({ id, serialization }: DubboHeader): Buffer {
  return encodeFrame({ isRequest: false, isTwoWay: false, isEvent: true, serialization, status: 20, id }, NULL)
}

/** Whether an event says that the other end takes no new requests on this connection, as it is about to end. */
export function isReadOnly({ isRequest, isEvent }: DubboHeader, body: Buffer): boolean {
  return isRequest && isEvent && body.equals(READ_ONLY)
}
