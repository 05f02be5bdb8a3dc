/** Heads of requests: each row fed whole, byte by byte, split at every offset and with the start of another behind it. */
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { PartialHead, type RequestHead, readRequestHead } from '../../../codecs/http1/index.ts'
import { everyFeed } from '../../support/feed.ts'
import { readRequests } from '../../support/http1-feed.ts'

const latin1 = (text: string) => Buffer.from(text, 'latin1')
const head = (text: string): RequestHead => readRequestHead(latin1(text), 0, text.length)!
const kindOf = (text: string): string | undefined => readRequests([latin1(text)]).error

const HOST = 'Host: a\r\n'

describe.each<[string, [line: string, headers: string, body: string, trailers?: string][]]>([
  [`GET / HTTP/1.1\r\n${HOST}\r\n`, [['GET /', 'Host=a', '']]],
  [`GET /b/k%2F?x=%20&y HTTP/1.1\r\n${HOST}\r\n`, [['GET /b/k%2F?x=%20&y', 'Host=a', '']]],
  [`GET //../a"<>\\^\`{|}[] HTTP/1.1\r\n${HOST}\r\n`, [['GET //../a"<>\\^`{|}[]', 'Host=a', '']]],
  [`PUT /k HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`, [['PUT /k', 'Host=a,Content-Length=5', 'hello']]],
  [`PUT /k HTTP/1.1\r\n${HOST}content-LENGTH:  005 \r\n\r\nhello`, [['PUT /k', 'Host=a,content-LENGTH=005', 'hello']]],
  [
    `PUT /k HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\n\r\n\r\nxGET /2 HTTP/1.1\r\n${HOST}\r\n`,
    [
      ['PUT /k', 'Host=a,Content-Length=5', '\r\n\r\nx'],
      ['GET /2', 'Host=a', ''],
    ],
  ],
  [`POST /k HTTP/1.1\r\n${HOST}Content-Length: 0\r\n\r\n`, [['POST /k', 'Host=a,Content-Length=0', '']]],
  [
    `POST /k HTTP/1.1\r\n${HOST}Transfer-Encoding: Chunked\r\n\r\n3;a="b c"\r\nabc\r\n00F\r\n0123456789abcde\r\n0\r\nX-T:  v \r\nb:\r\n\r\n`,
    [['POST /k', 'Host=a,Transfer-Encoding=Chunked', 'abc0123456789abcde', 'x-t=v,b=']],
  ],
  // What names and values may contain.
  [
    `GET / HTTP/1.1\r\n${HOST}!#$%&'*+-.^_\`|~9: \x80\xff a\tb\r\nE:\r\n\r\n`,
    [['GET /', "Host=a,!#$%&'*+-.^_`|~9=\x80\xff a\tb,E=", '']],
  ],
  ['GET / HTTP/1.0\r\n\r\n', [['GET /', '', '']]],
  // RFC 9112 section 2.2: empty lines in front; 3.2.2: a target with scheme and name; 3.2.4.
  [`\r\n\r\nGET / HTTP/1.1\r\n${HOST}\r\n`, [['GET /', 'Host=a', '']]],
  ['GET http://A:80/k?q HTTP/1.1\r\nHost: a:80\r\n\r\n', [['GET /k?q', 'Host=a:80', '']]],
  [`OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, [['OPTIONS *', 'Host=a', '']]],
  [
    `GET /1 HTTP/1.1\r\n${HOST}\r\nHEAD /2 HTTP/1.1\r\nHost:a\r\n\r\nBREW /3 HTTP/1.1\r\nHost: \r\n\r\n`,
    [
      ['GET /1', 'Host=a', ''],
      ['HEAD /2', 'Host=a', ''],
      ['BREW /3', 'Host=', ''],
    ],
  ],
])('%j', (text, expected) => {
  const told = (pieces: readonly Buffer[]) => {
    const { messages, error } = readRequests(pieces)
    const pairs = (list: readonly string[]) => list.map((item, i) => (i % 2 === 0 ? `${item}=` : `${item},`)).join('')
    return {
      error,
      messages: messages
        .filter(message => message.whole)
        .map(({ line, headers, body, trailers }) => [
          line.join(' '),
          pairs(headers).slice(0, -1),
          body,
          ...(trailers.length > 0 ? [pairs(trailers).slice(0, -1)] : []),
        ]),
    }
  }

  test.each([undefined, 'GET / HTT', 'G', '\r'])('followed by %j', trailing => {
    // HTTP/1.0 closes, and what follows is nobody's.
    for (const { way, pieces } of everyFeed(latin1(text), trailing === undefined ? undefined : latin1(trailing))) {
      expect(told(pieces), way).toEqual({ error: undefined, messages: expected })
    }
  })
})

describe.each<[kind: string, text: string]>([
  ['line-break', `GET / HTTP/1.1\n${HOST}\r\n`],
  ['line-break', `GET / HTTP/1.1\r\nHost: a\n\r\n`],
  ['line-break', `GET / HTTP/1.1\r\nHost: a\r\n\n`],
  ['line-break', '\nGET / HTTP/1.1\r\n\r\n'],
  ['line-break', `GET / HTTP/1.1\r\n${HOST}A: b\rc\r\n\r\n`],
  ['line-break', `GET / HTTP/1.1\r\n${HOST}A\r: b\r\n\r\n`],
  ['header-fold', `GET / HTTP/1.1\r\n${HOST}A: b\r\n c\r\n\r\n`],
  ['header-fold', `GET / HTTP/1.1\r\n\t${HOST}\r\n`],
  ['header-name', `GET / HTTP/1.1\r\n${HOST}A : b\r\n\r\n`],
  ['header-name', `GET / HTTP/1.1\r\n${HOST}: b\r\n\r\n`],
  ['header-name', `GET / HTTP/1.1\r\n${HOST}A\x80: b\r\n\r\n`],
  ['header-name', `GET / HTTP/1.1\r\n${HOST}A(b): b\r\n\r\n`],
  ['header-name', `GET / HTTP/1.1\r\n${HOST}A\0: b\r\n\r\n`],
  ['header-name', `GET / HTTP/1.1\r\n${HOST}A\r\n\r\n`],
  ['header-value', `GET / HTTP/1.1\r\n${HOST}A: b\0\r\n\r\n`],
  ['header-value', `GET / HTTP/1.1\r\n${HOST}A: \x7f\r\n\r\n`],
  ['header-value', `GET / HTTP/1.1\r\n${HOST}A: b\vc\r\n\r\n`],
  ['method', ` / HTTP/1.1\r\n${HOST}\r\n`],
  ['method', `G(T / HTTP/1.1\r\n${HOST}\r\n`],
  ['method', `${'A'.repeat(33)} / HTTP/1.1\r\n${HOST}\r\n`],
  ['method', `\x16\x03\x01\x02\0\x01\0\r\n\r\n`],
  ['request-line', `GET\r\n${HOST}\r\n`],
  ['request-line', `GET /\r\n${HOST}\r\n`],
  ['request-line', `GET / x HTTP/1.1\r\n${HOST}\r\n`],
  ['target', `GET  / HTTP/1.1\r\n${HOST}\r\n`],
  ['target', `GET k HTTP/1.1\r\n${HOST}\r\n`],
  ['target', `GET * HTTP/1.1\r\n${HOST}\r\n`],
  ['target', `GET /a#b HTTP/1.1\r\n${HOST}\r\n`],
  ['target', `GET /a\tb HTTP/1.1\r\n${HOST}\r\n`],
  ['target', `GET /\0 HTTP/1.1\r\n${HOST}\r\n`],
  ['target', `GET /\xc3\xa9 HTTP/1.1\r\n${HOST}\r\n`],
  ['target', `GET ftp://a/ HTTP/1.1\r\n${HOST}\r\n`],
  ['target', `GET http://a HTTP/1.1\r\n${HOST}\r\n`],
  ['target', `CONNECT a:80 HTTP/1.1\r\n${HOST}\r\n`],
  ['target', `CONNECT /a HTTP/1.1\r\n${HOST}\r\n`],
  ['version', `GET / HTTP/2.0\r\n${HOST}\r\n`],
  ['version', `GET / HTTP/1.2\r\n${HOST}\r\n`],
  ['version', `GET / http/1.1\r\n${HOST}\r\n`],
  ['version', `PRI * HTTP/2.0\r\n\r\n`],
  ['host', 'GET / HTTP/1.1\r\n\r\n'],
  ['host', `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`],
  ['host', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n'],
  ['host', 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n'],
  ['host', 'GET / HTTP/1.1\r\nHost: u@a\r\n\r\n'],
  ['host', 'GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['host', 'GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n'],
  // RFC 9112 section 11.2, request smuggling.
  ['framing-conflict', `POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`],
  ['framing-conflict', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n`],
  ['content-length', `POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\nContent-Length: 6\r\n\r\n`],
  ['content-length', `POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\ncontent-length: 5\r\n\r\n`],
  ['content-length', `POST / HTTP/1.1\r\n${HOST}Content-Length: 5, 5\r\n\r\n`],
  ['content-length', `POST / HTTP/1.1\r\n${HOST}Content-Length:\r\n\r\n`],
  ['content-length', `POST / HTTP/1.1\r\n${HOST}Content-Length: +5\r\n\r\n`],
  ['content-length', `POST / HTTP/1.1\r\n${HOST}Content-Length: -5\r\n\r\n`],
  ['content-length', `POST / HTTP/1.1\r\n${HOST}Content-Length: 0x5\r\n\r\n`],
  ['content-length', `POST / HTTP/1.1\r\n${HOST}Content-Length: 5e1\r\n\r\n`],
  ['content-length', `POST / HTTP/1.1\r\n${HOST}Content-Length: 99999999999999999999\r\n\r\n`],
  ['transfer-encoding', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip, chunked\r\n\r\n`],
  ['transfer-encoding', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked, chunked\r\n\r\n`],
  ['transfer-encoding', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: xchunked\r\n\r\n`],
  ['transfer-encoding', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: identity\r\n\r\n`],
  ['transfer-encoding', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding:\r\n\r\n`],
  ['transfer-encoding', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`],
  ['transfer-encoding', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n'],
  // Tabs that Node's parser takes for a part of the value.
  ['transfer-encoding', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\t\r\n\r\n`],
  ['content-length', `POST / HTTP/1.1\r\n${HOST}Content-Length:\t5\r\n\r\n`],
])('%s: %j', (kind, text) => {
  test('is refused, however it comes', () => {
    for (const { way, pieces } of everyFeed(latin1(text))) {
      expect(readRequests(pieces).error, way).toBe(kind)
      expect(readRequests(pieces).messages, way).toEqual([])
    }
  })
})

describe('what a head says', () => {
  test.each<[string, Partial<RequestHead>]>([
    [`GET / HTTP/1.1\r\n${HOST}\r\n`, { body: 'none', length: 0, keepAlive: true, expectContinue: false, host: 'a' }],
    [
      `PUT / HTTP/1.1\r\n${HOST}Content-Length: 7\r\nExpect: 100-Continue\r\n\r\n`,
      { body: 'length', length: 7, expectContinue: true },
    ],
    [`PUT / HTTP/1.1\r\n${HOST}Expect: 200\r\n\r\n`, { expectContinue: false }],
    [`PUT / HTTP/1.1\r\n${HOST}Expect:\r\n\r\n`, { expectContinue: false }],
    [`PUT / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`, { body: 'chunked', length: 0 }],
    [
      'PUT / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n',
      { minor: 0, host: undefined, keepAlive: false, expectContinue: false },
    ],
    ['GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n', { keepAlive: true }],
    ['GET / HTTP/1.0\r\nConnection: keep-alive\t\r\n\r\n', { keepAlive: false }],
    ['GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n', { keepAlive: false }],
    [
      `GET / HTTP/1.1\r\n${HOST}Connection: X-A , close,,x-b\r\n\r\n`,
      { keepAlive: false, connectionNames: ['x-a', 'x-b'] },
    ],
    [`GET / HTTP/1.1\r\n${HOST}Connection: closed\r\n\r\n`, { keepAlive: true, connectionNames: ['closed'] }],
    [`GET / HTTP/1.1\r\n${HOST}Proxy-Connection: close\r\n\r\n`, { keepAlive: false }],
  ])('%j', (text, expected) => {
    expect(head(text)).toMatchObject(expected)
  })

  test('names in lower case beside those that came', () => {
    const { headers } = head(
      `GET / HTTP/1.1\r\nhOST: a\r\nX-Amz-Date: 1\r\nx-amz-META-Ünknown: 2\r\n\r\n`.replace('Ü', 'U'),
    )
    expect(headers.names).toEqual(['host', 'x-amz-date', 'x-amz-meta-unknown'])
    expect(headers.rawNames).toEqual(['hOST', 'X-Amz-Date', 'x-amz-META-Unknown'])
    expect(headers.values).toEqual(['a', '1', '2'])
  })

  test('where it ends, wherever it begins', () => {
    const text = `GET / HTTP/1.1\r\n${HOST}\r\n`
    const bytes = latin1(`xx${text}yy`)
    expect(readRequestHead(bytes, 2, bytes.length)?.end).toBe(2 + text.length)
    expect(readRequestHead(bytes, 2, 1 + text.length)).toBeUndefined()
  })
})

describe('limits', () => {
  const limits = { maxHeadBytes: 100, maxHeaders: 3 }

  test('a head that is too long is refused before it ends, and at its last byte is not', () => {
    const line = 'GET / HTTP/1.1\r\nHost: a\r\nA: '
    const exact = `${line}${'x'.repeat(100 - line.length - 4)}\r\n\r\n`
    const read = (text: string) => readRequestHead(latin1(text), 0, text.length, 0, limits)
    expect(read(exact)?.end).toBe(100)
    expect(() => read(exact.replace('x', 'xx'))).toThrow(/longer than 100/)
    expect(() => read('G'.repeat(100))).toThrow(/longer than 100/)
    expect(read('G'.repeat(99))).toBeUndefined()
    expect(() => read('\r\n'.repeat(60))).toThrow(/empty lines/)
  })

  test('many headers', () => {
    const read = (text: string) => readRequestHead(latin1(text), 0, text.length, 0, limits)
    expect(read('GET / HTTP/1.1\r\nHost: a\r\na:\r\nb:\r\n\r\n')?.headers.names).toHaveLength(3)
    expect(() => read('GET / HTTP/1.1\r\nHost: a\r\na:\r\nb:\r\nc:\r\n\r\n')).toThrow(/more than 3/)
  })

  test('by default, what a client of S3 sends fits', () => {
    const token = `x-amz-security-token: ${'x'.repeat(8000)}\r\n`
    const metadata = Array.from({ length: 100 }, (_, i) => `x-amz-meta-${i}: ${'y'.repeat(20)}\r\n`).join('')
    expect(
      kindOf(`GET /${'k'.repeat(3072)}?${'q'.repeat(8000)} HTTP/1.1\r\n${HOST}${token}${metadata}\r\n`),
    ).toBeUndefined()
    expect(kindOf(`GET /${'k'.repeat(33_000)} HTTP/1.1\r\n${HOST}\r\n`)).toBe('head-too-long')
  })

  test('a head that comes byte by byte is looked at once, and copied a few times', () => {
    const partial = new PartialHead()
    const buffers = new Set<Buffer>()
    for (let i = 0; i < 30_000; i++) {
      partial.append(latin1('x'))
      buffers.add(partial.bytes)
      expect(partial.seen).toBe(i)
    }
    expect(partial.length).toBe(30_000)
    expect(buffers.size).toBeLessThan(10)
    // Bytes that were seen are not read again: these would be refused.
    const broken = latin1(`GET / HTTP/1.1\nxxxxHost: a`)
    expect(readRequestHead(broken, 0, broken.length, 20)).toBeUndefined()
  })
})

test("Node's http server reads what is accepted alike, with its defaults", async () => {
  const texts = [
    `GET /a?b HTTP/1.1\r\n${HOST}X: \xe9 y\t\r\nx: z\r\n\r\n`,
    `PUT /k HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`,
    `POST /c HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-T: v\r\n\r\n`,
    `DELETE http://a/d HTTP/1.1\r\n${HOST}\r\n`,
    `OPTIONS * HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`,
  ]
  const bytes = latin1(texts.join(''))
  const seen: unknown[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += (piece as Buffer).toString('latin1')
    const target = request.url!.replace(/^http:\/\/a/, '')
    seen.push([request.method, target, request.rawHeaders, body, request.rawTrailers.map(text => text.toLowerCase())])
    response.end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => connect(port, '127.0.0.1').on('close', resolve).resume().end(bytes))
  server.close()
  const { messages } = readRequests([bytes])
  expect(messages.map(({ line, headers, body, trailers }) => [...line, headers, body, trailers])).toEqual(seen)
  expect(seen).toHaveLength(texts.length)
})
