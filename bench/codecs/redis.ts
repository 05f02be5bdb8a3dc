/** Micro benchmarks of the Redis codec: finding where requests and replies end, and looking up command names. */

import { CommandTable, REQUEST_LIMITS, ReplyScanner, RequestScanner, Scan } from '../../codecs/redis/index.ts'
import type { MicroBench } from '../lib/micro.ts'

const NAMES = [
  'GET',
  'SET',
  'MGET',
  'DEL',
  'HGETALL',
  'hset',
  'ZADD',
  'zrangebyscore',
  'Expire',
  'XADD',
  'EVALSHA',
  'PING',
]

const bulk = (text: string) => `$${text.length}\r\n${text}\r\n`
const command = (...words: string[]) => `*${words.length}\r\n${words.map(bulk).join('')}`
const value64 = 'x'.repeat(64)
const value1k = 'x'.repeat(1024)

export function redisBenches(): MicroBench[] {
  return [
    requests('request: 16 x GET', 16, command('GET', 'key:000012345678')),
    requests('request: 16 x SET 64 B', 16, command('SET', 'key:000012345678', value64)),
    requests('request: 16 x SET 1 KB', 16, command('SET', 'key:000012345678', value1k)),
    requests('request: MGET of 100 keys', 1, command('MGET', ...Array.from({ length: 100 }, (_, i) => `key:${i}`))),
    requests('request: 16 x inline PING', 16, 'PING\r\n'),
    replies('reply: 16 x 64 B', 16, bulk(value64)),
    replies('reply: 16 x 1 KB', 16, bulk(value1k)),
    replies('reply: 16 x +OK', 16, '+OK\r\n'),
    replies('reply: array of 100 x 64 B', 1, `*100\r\n${bulk(value64).repeat(100)}`),
    replies(
      'reply: map of 20 pairs in 5 arrays',
      1,
      `*5\r\n${`%20\r\n${`${bulk('field')}:12\r\n`.repeat(20)}`.repeat(5)}`,
    ),
    lookups(),
    requestsWithLookup(),
  ]
}

function requests(name: string, frames: number, frame: string): MicroBench {
  const bytes = Buffer.from(frame.repeat(frames))
  const scanner = new RequestScanner()
  const run = () => {
    let seen = 0
    for (let at = 0; at < bytes.length; at = scanner.end) {
      if (scanner.scan(bytes, at, bytes.length, REQUEST_LIMITS) === Scan.MORE) break
      seen++
    }
    return seen
  }
  return { name, frames, bytes: bytes.length, run }
}

function replies(name: string, frames: number, frame: string): MicroBench {
  const bytes = Buffer.from(frame.repeat(frames))
  const scanner = new ReplyScanner()
  const run = () => {
    let seen = 0
    for (let at = 0; at < bytes.length && at >= 0; at = scanner.scan(bytes, at, bytes.length)) seen++
    return seen
  }
  return { name, frames, bytes: bytes.length, run }
}

function lookups(): MicroBench {
  const table = tableOf(NAMES)
  const bytes = Buffer.from(NAMES.join(''))
  const ends = NAMES.map((_, i) => NAMES.slice(0, i + 1).join('').length)
  const run = () => {
    let seen = 0
    let start = 0
    for (let i = 0; i < ends.length; i++) {
      const end = ends[i] as number
      if (table.lookup(bytes, start, end) === i) seen++
      start = end
    }
    return seen
  }
  return { name: `lookup: ${NAMES.length} names`, frames: NAMES.length, bytes: bytes.length, run }
}

/** What a session does with each request before it is forwarded. */
function requestsWithLookup(): MicroBench {
  const table = tableOf(NAMES)
  const bytes = Buffer.from(NAMES.map(name => command(name, 'key:000012345678')).join(''))
  const scanner = new RequestScanner()
  const run = () => {
    let seen = 0
    for (let at = 0; at < bytes.length; at = scanner.end) {
      if (scanner.scan(bytes, at, bytes.length, REQUEST_LIMITS) !== Scan.FRAME) break
      if (table.lookup(bytes, scanner.nameStart, scanner.nameEnd) === seen) seen++
    }
    return seen
  }
  return { name: `request and lookup: ${NAMES.length} commands`, frames: NAMES.length, bytes: bytes.length, run }
}

function tableOf(names: readonly string[]): CommandTable {
  const table = new CommandTable()
  for (const name of names) table.add(name, 0, 0, 0, [])
  return table
}
