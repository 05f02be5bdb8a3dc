/** Errors that end a connection: the kind of a ProtocolError is the name of HTTP/2's code. */
import { ProtocolError } from '../codec.ts'
import { ErrorCode } from './constants.ts'

export function connectionError(code: keyof typeof ErrorCode, message: string): ProtocolError {
  return new ProtocolError(code, message)
}

/** What a GOAWAY says of it. */
export function codeOf(error: ProtocolError): number {
  return (ErrorCode as Readonly<Record<string, number>>)[error.kind] ?? ErrorCode.PROTOCOL_ERROR
}
