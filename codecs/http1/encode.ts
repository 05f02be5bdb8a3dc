/** Writes heads and the framing of chunks. What would end a line early is refused, wherever it came from. */
import { ProtocolError } from '../codec.ts'
import { REASONS } from './reasons.ts'

const NOT_A_TOKEN = /[^!#$%&'*+\-.^_`|~0-9A-Za-z]/
const NOT_A_VALUE = /[^\t\x20-\x7e\x80-\xff]/
const NOT_A_TARGET = /[^\x21\x22\x24-\x7e]/

/** `GET /key HTTP/1.1`, the headers (name, value, name, value ...; latin1), and no empty line yet: more may follow. */
export function encodeRequestLines(method: string, target: string, headers: readonly string[]): string {
  if (method === '' || NOT_A_TOKEN.test(method)) throw notWritable('the method')
  if (target === '' || NOT_A_TARGET.test(target)) throw notWritable('the target')
  return `${method} ${target} HTTP/1.1\r\n${encodeHeaders(headers)}`
}

/** `HTTP/1.1 200 OK`, the headers, and no empty line yet. */
export function encodeResponseLines(status: number, headers: readonly string[]): string {
  return `HTTP/1.1 ${status} ${REASONS[status] ?? ''}\r\n${encodeHeaders(headers)}`
}

/** Name, value, name, value ... as lines. */
export function encodeHeaders(headers: readonly string[]): string {
  let lines = ''
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!
    const value = headers[i + 1]!
    if (!WRITABLE.has(name)) checkName(name)
    if (NOT_A_VALUE.test(value)) throw notWritable(`the value of ${name}`)
    lines += `${name}: ${value}\r\n`
  }
  return lines
}

/** Names that were looked at already: most messages have the same few. */
const WRITABLE = new Set<string>()
const MAX_WRITABLE = 512

function checkName(name: string): void {
  if (name === '' || NOT_A_TOKEN.test(name)) throw notWritable('the name of a header')
  if (WRITABLE.size < MAX_WRITABLE && name.length <= 64) WRITABLE.add(name)
}

/** What stands before the data of a chunk; behind the data follows CRLF. */
export function encodeChunkSize(bytes: number): string {
  return `${bytes.toString(16)}\r\n`
}

export const CRLF = '\r\n'

/** The end of a chunked body, with its trailers: name, value, name, value ... */
export function encodeLastChunk(trailers: readonly string[] = []): string {
  return `0\r\n${encodeHeaders(trailers)}\r\n`
}

export const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n'

function notWritable(what: string): ProtocolError {
  return new ProtocolError('not-writable', `${what} contains what must not be sent`)
}
