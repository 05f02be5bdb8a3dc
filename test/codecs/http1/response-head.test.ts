/** Heads of responses, and which body follows them: each row fed in every way. */
import { describe, expect, test } from 'vitest'
import { type ResponseHead, readResponseHead } from '../../../codecs/http1/index.ts'
import { everyFeed } from '../../support/feed.ts'
import { readResponses } from '../../support/http1-feed.ts'

const latin1 = (text: string) => Buffer.from(text, 'latin1')

describe.each<[text: string, method: string, messages: [status: string, reason: string, body: string][]]>([
  ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', 'GET', [['200', 'OK', 'hello']]],
  ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 'HEAD', [['200', 'OK', '']]],
  ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 'HEAD', [['200', 'OK', '']]],
  ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n', 'GET', [['200', 'OK', 'hello']]],
  ['HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n', 'GET', [['200', '', '']]],
  ['HTTP/1.1 503 Slow Down \xe9\t\r\nContent-Length: 1\r\n\r\nx', 'GET', [['503', 'Slow Down \xe9\t', 'x']]],
  ['HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n', 'DELETE', [['204', 'No Content', '']]],
  ['HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', 'GET', [['304', 'Not Modified', '']]],
  [
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    'PUT',
    [
      ['100', 'Continue', ''],
      ['200', 'OK', 'ok'],
    ],
  ],
  ['HTTP/1.0 200 OK\r\n\r\nuntil\r\n\r\nthe end', 'GET', [['200', 'OK', 'until\r\n\r\nthe end']]],
  ['HTTP/1.1 200 OK\r\n\r\n', 'GET', [['200', 'OK', '']]],
])('%j to %s', (text, method, expected) => {
  test('however it comes', () => {
    for (const { way, pieces } of everyFeed(latin1(text))) {
      const { messages, error } = readResponses(pieces, method)
      const whole = messages.filter(message => message.whole)
      expect(error, way).toBeUndefined()
      expect(
        whole.map(({ line, body }) => [...line, body]),
        way,
      ).toEqual(expected)
    }
  })
})

test.each<[kind: string, text: string]>([
  ['version', 'HTTP/2.0 200 OK\r\n\r\n'],
  ['version', 'HTTP/1.1\r\n\r\n'],
  ['version', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
  ['version', '\r\nHTTP/1.1 200 OK\r\n\r\n'],
  ['status-line', 'HTTP/1.1 20 OK\r\n\r\n'],
  ['status-line', 'HTTP/1.1 2000 OK\r\n\r\n'],
  ['status-line', 'HTTP/1.1 099 OK\r\n\r\n'],
  ['status-line', 'HTTP/1.1  200 OK\r\n\r\n'],
  ['status-line', 'HTTP/1.1 200 O\0K\r\n\r\n'],
  ['line-break', 'HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n'],
  ['framing-conflict', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['content-length', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n'],
  ['transfer-encoding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n'],
  ['interim-body', 'HTTP/1.1 103 Early Hints\r\nContent-Length: 1\r\n\r\n'],
  ['interim-body', 'HTTP/1.1 108 x\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['transfer-encoding', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
])('%s: %j is refused', (kind, text) => {
  for (const { way, pieces } of everyFeed(latin1(text))) expect(readResponses(pieces, 'GET').error, way).toBe(kind)
})

test.each<[text: string, method: string, expected: Partial<ResponseHead>]>([
  [
    'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n',
    'HEAD',
    { body: 'none', length: 0, contentLength: 7, keepAlive: true },
  ],
  ['HTTP/1.1 200 OK\r\n\r\n', 'HEAD', { body: 'none', contentLength: undefined, keepAlive: true }],
  ['HTTP/1.1 200 OK\r\n\r\n', 'GET', { body: 'until-close', keepAlive: false }],
  ['HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\n', 'GET', { length: 7, keepAlive: false }],
  ['HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\n', 'GET', { minor: 0, keepAlive: false }],
  ['HTTP/1.0 200 OK\r\nContent-Length: 7\r\nConnection: keep-alive\r\n\r\n', 'GET', { keepAlive: true }],
])('%j to %s', (text, method, expected) => {
  expect(readResponseHead(latin1(text), 0, text.length, method)).toMatchObject(expected)
})
