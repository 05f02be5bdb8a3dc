/**
 * What must hold whatever the bytes, one function per decoder: it throws when it does not. The unit tests replay the
 * corpus through these and random bytes; run.mjs lets a coverage-guided fuzzer look for more.
 */
import { ProtocolError } from '../../codecs/codec.ts'
import { decodeProxyHeader, encodeProxyHeader, MAX_PROXY_HEADER_BYTES } from '../../codecs/proxy-protocol/index.ts'
import {
  decodeReplies,
  decodeReply,
  encodeCommand,
  globMatches,
  REQUEST_LIMITS,
  splitInline,
  UNAUTHENTICATED_LIMITS,
} from '../../codecs/redis/index.ts'
import { cut } from '../support/feed.ts'
import { check, type Scanned, scanReplies, scanRequests } from '../support/redis-feed.ts'
import { httpRequests, httpResponses } from './http1-targets.ts'
import { mysqlFrames, mysqlPackets, mysqlPayloads, mysqlResponse } from './mysql-targets.ts'

export type Target = (bytes: Buffer) => void

export const TARGETS: Readonly<Record<string, Target>> = {
  'request-scanner': requestScanner,
  'reply-scanner': replyScanner,
  inline,
  values,
  glob,
  'proxy-header': proxyHeader,
  'mysql-response': mysqlResponse,
  'mysql-packets': mysqlPackets,
  'mysql-payloads': mysqlPayloads,
  'mysql-frames': mysqlFrames,
  'http-requests': httpRequests,
  'http-responses': httpResponses,
}

/** The first three bytes choose limits and pieces. */
function requestScanner(bytes: Buffer): void {
  const [input, sizes] = [bytes.subarray(3), bytes.subarray(1, 3)]
  const limits = bytes[0]! % 2 === 0 ? REQUEST_LIMITS : UNAUTHENTICATED_LIMITS
  const whole = scanRequests([input], limits)
  same(whole, scanRequests(cut(input, ...sizes, 1), limits), 'in pieces')
  same(whole, scanRequests(cut(input, 1), limits), 'byte by byte')
  for (const frame of whole.frames) {
    if (typeof frame === 'string') continue
    const again = scanRequests([encodeCommand(frame.map(arg => Buffer.from(arg, 'latin1')))])
    check(frame.length === 0 || JSON.stringify(again.frames) === JSON.stringify([frame]), 'a frame encoded is itself')
  }
}

function replyScanner(bytes: Buffer): void {
  const [input, sizes] = [bytes.subarray(3), bytes.subarray(1, 3)]
  const whole = scanReplies([input])
  same(whole, scanReplies(cut(input, ...sizes, 1)), 'in pieces')
  same(whole, scanReplies(cut(input, 1), { holdBytes: bytes[0]! % 32 }), 'leaving byte by byte')
  same(whole, scanReplies(cut(input, ...sizes), { holdBytes: bytes[0]! % 32 }), 'leaving in pieces')
  for (const frame of whole.frames) {
    try {
      decodeReply(Buffer.from(String(frame), 'latin1'))
    } catch (error) {
      // The scanner does not look into lines; but where a reply ends they must agree.
      check(error instanceof ProtocolError && error.kind !== 'reply-end' && error.kind !== 'reply-type', String(error))
    }
  }
}

function same(expected: Scanned, found: Scanned, way: string): void {
  const [a, b] = [JSON.stringify(expected), JSON.stringify(found)]
  if (a !== b) throw new Error(`whole: ${a}\n${way}: ${b}`)
}

function inline(bytes: Buffer): void {
  const args = splitInline(bytes)
  if (args === null) return
  let length = 0
  for (const arg of args) length += arg.length
  check(length <= bytes.length, 'arguments are not longer than the line')
  const line = args.map(arg => `"${arg.toString('hex').replace(/../g, '\\x$&')}"`).join(' ')
  const again = splitInline(Buffer.from(`${line}\r\n`))
  check(again !== null && again.length === args.length, 'as many arguments when quoted')
  for (const [i, arg] of args.entries()) check(arg.equals(again[i]!), 'an argument quoted is itself')
}

function values(bytes: Buffer): void {
  const strings = valuesOf(bytes, 'strings')
  const buffers = valuesOf(bytes, 'buffers')
  check(strings === buffers, 'the same replies, as strings or as buffers')
  if (strings === undefined) return
  const scanned = scanReplies([bytes])
  check(scanned.error === undefined && scanned.rest === 0, `a decoded reply is one for the scanner: ${scanned.error}`)
  check(scanned.frames.length === strings, 'as many replies')
}

function valuesOf(bytes: Buffer, bulks: 'strings' | 'buffers'): number | undefined {
  try {
    return decodeReplies(bytes, bulks).length
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

/** The first byte tells how long the pattern is. */
function glob(bytes: Buffer): void {
  const length = Math.min(bytes[0] ?? 0, 24)
  const pattern = bytes.subarray(1, 1 + length)
  const text = bytes.subarray(1 + length, 64)
  const found = globMatches(pattern, text)
  check(found === globMatches(pattern, bytes, 1 + length, 1 + length + text.length), 'in the middle of a buffer too')
  check(found === matchesAsRedis(pattern, text), 'as Redis matches')
  // Many asterisks must not make it slow.
  globMatches(Buffer.concat([pattern, Buffer.from('*a'.repeat(20))]), Buffer.alloc(200, 97))
}

/** Redis's stringmatchlen, line for line, but for remembering what did not match: it takes exponential time. */
function matchesAsRedis(pattern: Buffer, text: Buffer): boolean {
  const failed = new Set<number>()
  const match = (p0: number, s0: number): boolean => {
    let [p, s] = [p0, s0]
    while (p < pattern.length && s < text.length) {
      if (pattern[p] === 42) {
        while (pattern[p + 1] === 42) p++
        if (p + 1 === pattern.length) return true
        for (; s < text.length; s++) {
          const state = (p + 1) * 4096 + s
          if (failed.has(state)) continue
          if (match(p + 1, s)) return true
          failed.add(state)
        }
        return false
      }
      if (pattern[p] === 91) {
        p++
        const not = pattern[p] === 94
        if (not) p++
        let matched = false
        for (;;) {
          if (pattern[p] === 92 && pattern.length - p >= 2) {
            p++
            if (pattern[p] === text[s]) matched = true
          } else if (pattern[p] === 93) break
          else if (p >= pattern.length) {
            p--
            break
          } else if (pattern.length - p >= 3 && pattern[p + 1] === 45) {
            const [a, b, c] = [pattern.readInt8(p), pattern.readInt8(p + 2), text.readInt8(s)]
            p += 2
            if (c >= Math.min(a, b) && c <= Math.max(a, b)) matched = true
          } else if (pattern[p] === text[s]) matched = true
          p++
        }
        if (matched === not) return false
      } else if (pattern[p] !== 63) {
        if (pattern[p] === 92 && pattern.length - p >= 2) p++
        if (pattern[p] !== text[s]) return false
      }
      s++
      p++
      if (s === text.length) while (pattern[p] === 42) p++
    }
    return p >= pattern.length && s === text.length
  }
  return match(0, 0)
}

function proxyHeader(bytes: Buffer): void {
  const header = headerOf(bytes)
  if (header === undefined || header === 'malformed') {
    const again = headerOf(Buffer.concat([bytes, Buffer.alloc(MAX_PROXY_HEADER_BYTES)]))
    if (header === 'malformed') check(again === 'malformed', 'more bytes do not heal it')
    else check(bytes.length < MAX_PROXY_HEADER_BYTES, 'it does not ask for more for ever')
    return
  }
  const { byteLength } = header
  check(byteLength > 0 && byteLength <= bytes.length, 'a header lies within the bytes')
  const alone = headerOf(bytes.subarray(0, byteLength))
  check(JSON.stringify(alone) === JSON.stringify(header), 'nothing behind the header counts')
  for (let end = 0; end < byteLength; end++)
    check(headerOf(bytes.subarray(0, end)) === undefined, 'its parts ask for more')
  const { source, destination } = header
  // A path is read as UTF-8, whatever it is: what is not cannot be written again.
  if (!source || !destination || 'path' in source) return
  // Written anew it is in the canonical form, and stays in it.
  const once = headerOf(encodeProxyHeader(2, source, destination))
  check(typeof once === 'object' && once.source !== undefined && once.destination !== undefined, 'it can be encoded')
  const twice = headerOf(encodeProxyHeader(2, once.source, once.destination))
  check(JSON.stringify(once) === JSON.stringify(twice), 'a header encoded is itself')
  const ports = (all: typeof header) => [all.source, all.destination].map(end => end && 'port' in end && end.port)
  check(String(ports(once)) === String(ports(header)), 'with its ports')
}

function headerOf(bytes: Buffer): ReturnType<typeof decodeProxyHeader> | 'malformed' {
  try {
    return decodeProxyHeader(bytes)
  } catch (error) {
    if (error instanceof ProtocolError) return 'malformed'
    throw error
  }
}
