/** Heads that are written: nothing in them can end a line, or the head, before its time. */
import { describe, expect, test } from 'vitest'
import {
  encodeHeaders,
  encodeLastChunk,
  encodeRequestLines,
  encodeResponseLines,
  isHopByHop,
  readRequestHead,
  readResponseHead,
} from '../../../codecs/http1/index.ts'

const latin1 = (text: string) => Buffer.from(text, 'latin1')

test('a request that is written is read the same', () => {
  const text = `${encodeRequestLines('PUT', '/b/k%20?x', ['host', 'a', 'x-amz-meta-é'.replace('é', 'e'), '\xe9 b'])}\r\n`
  const head = readRequestHead(latin1(text), 0, text.length)!
  expect([head.method, head.target, head.headers.names, head.headers.values]).toEqual([
    'PUT',
    '/b/k%20?x',
    ['host', 'x-amz-meta-e'],
    ['a', '\xe9 b'],
  ])
})

test.each([200, 404, 599])('a response that is written is read the same: %i', status => {
  const text = `${encodeResponseLines(status, ['content-length', '0'])}\r\n`
  const head = readResponseHead(latin1(text), 0, text.length, 'GET')!
  expect([head.status, head.headers.values]).toEqual([status, ['0']])
})

describe('is refused', () => {
  test.each(['a\r\nx-b: c', 'a\r', 'a\n', 'a\0', '\x7f', 'ā', '\u560d\u560a'])('the value %j', value => {
    expect(() => encodeHeaders(['x-a', value])).toThrow('value of x-a')
    expect(() => encodeLastChunk(['x-a', value])).toThrow('value of x-a')
  })

  test.each(['', 'a b', 'a:', 'a\r\n', 'é'])('the name %j', name => {
    expect(() => encodeResponseLines(200, [name, 'v'])).toThrow('name of a header')
  })

  test.each(['', '/a b', '/a\r\nHost: b', '/é', '/a#b'])('the target %j', target => {
    expect(() => encodeRequestLines('GET', target, [])).toThrow('target')
  })

  test.each(['', 'GET ', 'G\r\n'])('the method %j', method => {
    expect(() => encodeRequestLines(method, '/', [])).toThrow('method')
  })
})

test('headers of one connection, and those that it names', () => {
  expect(['connection', 'keep-alive', 'te', 'transfer-encoding', 'upgrade'].every(name => isHopByHop(name, []))).toBe(
    true,
  )
  expect(isHopByHop('x-a', [])).toBe(false)
  expect(isHopByHop('x-a', ['x-b', 'x-a'])).toBe(true)
})
