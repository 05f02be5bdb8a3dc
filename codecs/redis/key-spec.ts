/**
 * Where the keys of a command stand, as Redis 7 and later tell it in COMMAND; and a short notation of the same, of which
 * the shipped table is made: https://redis.io/docs/latest/develop/reference/key-specs/
 *
 *     1:RO.access              argument 1                  1/-1/2:OW.update   1, 3, 5 ... up to the last
 *     2#0,1,1:RO.access        argument 2 says how many, which begin 1 behind it, by 1
 *     streams@1/-1/1/2:RO      behind the word STREAMS, sought from argument 1, half of what follows
 *     ?:OW.update              nobody knows
 */
import { bitsOf } from './command-facts.ts'
import { field, integer, list, text } from './loose-reply.ts'

/** What a command does with a key; bits of `KeySpec.flags`. */
export const KeyFlag = {
  RO: 1 << 0,
  RW: 1 << 1,
  OW: 1 << 2,
  RM: 1 << 3,
  /** Its value gets out: what ACLs call reading. */
  ACCESS: 1 << 4,
  UPDATE: 1 << 5,
  INSERT: 1 << 6,
  DELETE: 1 << 7,
  /** Decides the slot but is no key, as a sharded channel. */
  NOT_KEY: 1 << 8,
  /** The specification may miss keys. */
  INCOMPLETE: 1 << 9,
  /** The flags depend on the arguments. */
  VARIABLE_FLAGS: 1 << 10,
} as const

/** Where keys stand among the arguments, the name being argument 0. */
export interface KeySpec {
  readonly flags: number
  /** `index`: the search begins at `start`; `keyword`: behind `keyword`, sought from `start` on (backwards if < 0). */
  readonly begin: 'index' | 'keyword' | 'unknown'
  readonly start: number
  readonly keyword: string
  /** `range`: up to `last`, by `step`; `keynum`: as many as the argument at `countAt` says, from `first` on. */
  readonly find: 'range' | 'keynum' | 'unknown'
  /** Relative to the begin; negative: from the end, -1 being the last argument. */
  readonly last: number
  readonly step: number
  /** With `last` = -1: stop at 1/limit of the rest; 0 and 1: no limit. */
  readonly limit: number
  readonly countAt: number
  readonly first: number
}

const keyFlagBits = bitsOf(KeyFlag)

const number = (text: string | undefined, otherwise: number): number => (text ? Number(text) : otherwise)

/** Reads specifications in the short notation, separated by blanks. */
export function parseKeySpecs(text: string): KeySpec[] {
  return text === '' ? [] : text.split(' ').map(parseKeySpec)
}

function parseKeySpec(text: string): KeySpec {
  const [where = '', words = ''] = text.split(':')
  let flags = 0
  for (const word of words.split('.')) flags |= keyFlagBits.get(word.toLowerCase()) ?? 0
  const [begin = '', counted] = where.split('#')
  const [from = '', last, step, limit] = begin.split('/')
  const [keyword = '', startFrom] = from.includes('@') ? from.split('@') : ['', from]
  const [countAt, first, countedStep] = counted?.split(',') ?? []
  const unknown = where === '?'
  return {
    flags,
    begin: unknown ? 'unknown' : keyword === '' ? 'index' : 'keyword',
    start: unknown ? 0 : number(startFrom, 0),
    keyword,
    find: unknown ? 'unknown' : counted === undefined ? 'range' : 'keynum',
    last: number(last, 0),
    step: number(counted === undefined ? step : countedStep, 1),
    limit: number(limit, 0),
    countAt: number(countAt, 0),
    first: number(first, 0),
  }
}

/** Before Redis 7 a COMMAND entry has but first key, last key and step; `readOnly` and `movable` are its flags. */
export function rangeSpec(entry: readonly unknown[], readOnly: boolean, movable: boolean): KeySpec[] {
  const first = integer(entry[3])
  const last = integer(entry[4])
  if (first < 1) return []
  const access = readOnly ? KeyFlag.RO | KeyFlag.ACCESS : KeyFlag.RW | KeyFlag.ACCESS | KeyFlag.UPDATE
  return [
    {
      flags: access | (movable ? KeyFlag.INCOMPLETE : 0),
      begin: 'index',
      start: first,
      keyword: '',
      find: 'range',
      last: last < 0 ? last : last - first,
      step: Math.max(1, integer(entry[5])),
      limit: 0,
      countAt: 0,
      first: 0,
    },
  ]
}

/** Reads one element of the ninth field of a COMMAND entry. */
export function readKeySpec(pairs: unknown): KeySpec {
  let flags = 0
  for (const word of list(field(pairs, 'flags'))) flags |= keyFlagBits.get(text(word).toLowerCase()) ?? 0
  const begin = field(pairs, 'begin_search')
  const find = field(pairs, 'find_keys')
  const beginType = text(field(begin, 'type'))
  const findType = text(field(find, 'type'))
  const from = field(begin, 'spec')
  const how = field(find, 'spec')
  return {
    flags,
    begin: beginType === 'index' || beginType === 'keyword' ? beginType : 'unknown',
    start: integer(field(from, beginType === 'index' ? 'index' : 'startfrom')),
    keyword: text(field(from, 'keyword')).toLowerCase(),
    find: findType === 'range' || findType === 'keynum' ? findType : 'unknown',
    last: integer(field(how, 'lastkey')),
    step: Math.max(1, integer(field(how, 'keystep'))),
    limit: integer(field(how, 'limit')),
    countAt: integer(field(how, 'keynumidx')),
    first: integer(field(how, 'firstkey')),
  }
}
