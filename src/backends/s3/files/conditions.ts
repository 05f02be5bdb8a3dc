/** Conditional requests, in the order of RFC 9110 section 13.2.2 and with the answers of S3. */
import { S3Error, valueIn } from '../../../../codecs/s3/index.ts'
import type { ObjectRecord } from './record.ts'

type Facts = Pick<ObjectRecord, 'etag' | 'modified'>

/** For reads: whether the object is to be sent, or the application has it already. Throws an S3Error otherwise. */
export function readCondition(headers: readonly string[], object: Facts): 'send' | 'not-modified' {
  require(headers, '', object)
  const noneMatch = valueIn(headers, 'if-none-match')
  if (noneMatch !== undefined) return matches(noneMatch, object.etag) ? 'not-modified' : 'send'
  const since = dateOf(headers, 'if-modified-since')
  return since !== undefined && seconds(object.modified) <= since ? 'not-modified' : 'send'
}

/** For the source of a copy, where every condition that does not hold refuses. */
export function copyCondition(headers: readonly string[], source: Facts): void {
  const prefix = 'x-amz-copy-source-'
  require(headers, prefix, source)
  const noneMatch = valueIn(headers, `${prefix}if-none-match`)
  const since = dateOf(headers, `${prefix}if-modified-since`)
  if (noneMatch !== undefined) {
    if (matches(noneMatch, source.etag)) throw failed('x-amz-copy-source-If-None-Match')
  } else if (since !== undefined && seconds(source.modified) <= since)
    throw failed('x-amz-copy-source-If-Modified-Since')
}

/** For writes; the check is to be made while nobody else can write the key. */
export function writeCondition(headers: readonly string[]): (current: Facts | undefined) => void {
  const match = valueIn(headers, 'if-match')
  const noneMatch = valueIn(headers, 'if-none-match')
  if (noneMatch !== undefined && noneMatch !== '*') {
    throw new S3Error('NotImplemented', undefined, { Header: 'If-None-Match', additionalMessage: 'We only accept *.' })
  }
  return current => {
    if (noneMatch !== undefined && current) throw failed('If-None-Match')
    if (match === undefined) return
    if (!current) throw new S3Error('NoSuchKey')
    if (!matches(match, current.etag)) throw failed('If-Match')
  }
}

/** For removals, where an object that is away fails the condition. */
export function removeCondition(match: string | undefined): (current: Facts | undefined) => void {
  return current => {
    if (match !== undefined && (!current || !matches(match, current.etag))) throw failed('If-Match')
  }
}

/** If-Range: whether a range is to be sent, rather than the whole of what has changed. */
export function rangeCondition(headers: readonly string[], object: Facts): boolean {
  const condition = valueIn(headers, 'if-range')
  if (condition === undefined) return true
  if (condition.startsWith('"')) return matches(condition, object.etag)
  const date = Date.parse(condition)
  return !Number.isNaN(date) && seconds(date) === seconds(object.modified)
}

function require(headers: readonly string[], prefix: string, object: Facts): void {
  const match = valueIn(headers, `${prefix}if-match`)
  const since = dateOf(headers, `${prefix}if-unmodified-since`)
  if (match !== undefined) {
    if (!matches(match, object.etag)) throw failed(`${prefix}If-Match`)
  } else if (since !== undefined && seconds(object.modified) > since) throw failed(`${prefix}If-Unmodified-Since`)
}

/** A list of entity tags against one. Applications leave the quotes out at times, and S3 accepts it. */
function matches(list: string, etag: string): boolean {
  return list.split(',').some(item => {
    const tag = item
      .trim()
      .replace(/^W\//, '')
      .replace(/^"(.*)"$/, '$1')
    return tag === '*' || tag === etag
  })
}

/** Seconds since 1970; undefined for no date, which is as if there were no header. */
function dateOf(headers: readonly string[], name: string): number | undefined {
  const value = valueIn(headers, name)
  const date = value === undefined ? Number.NaN : Date.parse(value)
  return Number.isNaN(date) ? undefined : seconds(date)
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000)
}

function failed(condition: string): S3Error {
  return new S3Error('PreconditionFailed', undefined, { Condition: condition })
}
