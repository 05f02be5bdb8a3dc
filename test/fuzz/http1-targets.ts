/**
 * What must hold of the HTTP/1.1 codec whatever the bytes; part of targets.ts. Above all: what it accepts, Node's own
 * parser does not read differently. Refusing what Node accepts is allowed, and so is the reverse for requests that
 * nobody could take for others.
 */
import { cut } from '../support/feed.ts'
import {
  type Message,
  type Read,
  readRequests,
  readRequestsByNode,
  readResponses,
  readResponsesByNode,
} from '../support/http1-feed.ts'
import { check } from '../support/redis-feed.ts'

/** The first two bytes are the sizes of pieces. */
export function httpRequests(bytes: Buffer): void {
  const [sizes, input] = [bytes.subarray(0, 2), bytes.subarray(2)]
  const whole = readRequests([input])
  same(whole, readRequests(cut(input, ...sizes, 1)), 'in pieces')
  same(whole, readRequests(cut(input, 1)), 'byte by byte')
  agrees(whole, readRequestsByNode(input), true)
}

/** The first byte tells the method of the requests, too. */
export function httpResponses(bytes: Buffer): void {
  const [sizes, input] = [bytes.subarray(0, 2), bytes.subarray(2)]
  const method = bytes[0]! % 4 === 3 ? 'HEAD' : 'GET'
  const whole = readResponses([input], method)
  same(whole, readResponses(cut(input, ...sizes, 1), method), 'in pieces')
  same(whole, readResponses(cut(input, 1), method), 'byte by byte')
  // Node keeps no connection alive whose HEAD was answered without a length.
  agrees(whole, readResponsesByNode(input, method), method !== 'HEAD')
}

/** Pieces may bring an error before the body that came with them; apart from that nothing depends on them. */
function same(expected: Read, found: Read, way: string): void {
  const [a, b] = [JSON.stringify(expected), JSON.stringify(found)]
  if (a !== b) throw new Error(`whole: ${a}\n${way}: ${b}`)
}

/** Node knows fewer methods, and looks into extensions of chunks. */
const STRICTER_CODES: ReadonlySet<string> = new Set(['HPE_INVALID_METHOD', 'HPE_STRICT'])

function agrees(ours: Read, node: Read, comparesKeepAlive: boolean): void {
  for (const [i, message] of ours.messages.entries()) {
    const theirs = node.messages[i]
    if (theirs?.keepAlive && node.closed && i === node.messages.length - 1) {
      // It leaves HTTP for Node, whose parser does not look further; we know no other protocol and say so by no 101.
      check(comparable(message, true) === comparable(theirs, true), `message ${i} differs ${shown(ours, node)}`)
      return
    }
    if (theirs === undefined || (message.whole && !theirs.whole)) {
      const why = node.error ?? 'it waits for more'
      check(STRICTER_CODES.has(why), `Node does not read message ${i}: ${why} ${shown(ours, node)}`)
      return
    }
    // What is not whole for us is either not for Node, or will be refused by us.
    const partly = !message.whole
    check(
      !partly || ours.error !== undefined || !theirs.whole,
      `Node finds the end of message ${i} ${shown(ours, node)}`,
    )
    check(comparable(message, partly) === comparable(theirs, partly), `message ${i} differs ${shown(ours, node)}`)
    // Ours may be the last one where theirs is not: then nothing is read behind it.
    check(
      !comparesKeepAlive || !message.keepAlive || theirs.keepAlive,
      `another may follow message ${i} ${shown(ours, node)}`,
    )
    if (partly || !message.keepAlive) return
  }
  check(
    ours.error !== undefined || ours.closed || node.messages.length <= ours.messages.length,
    `Node finds more messages ${shown(ours, node)}`,
  )
}

function comparable({ line, minor, headers, body, trailers }: Message, partly: boolean): string {
  const [first, second] = line
  // A target with a scheme and a name is the path behind them for us.
  const path = second!.replace(/^https?:\/\/[^/?]*(?=\/)/i, '')
  const [data, names] = partly ? ['', []] : [body, trailers.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text))]
  return JSON.stringify([first, path, minor, headers, data, names])
}

const shown = (ours: Read, node: Read): string => `\nours: ${JSON.stringify(ours)}\nNode: ${JSON.stringify(node)}`
