/** Replays the corpus through every target, and feeds each with bytes made of what its format is made of. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CORPUS } from './corpus.ts'
import { TARGETS } from './targets.ts'

/** What random bytes would take long to hit upon. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  'request-scanner': [
    '*',
    '$',
    '\r\n',
    '\r',
    '\n',
    '0',
    '1',
    '2',
    '10',
    '-1',
    '*1\r\n',
    '$1\r\na\r\n',
    '"',
    'PING',
    ' ',
  ],
  'reply-scanner': [...'+-:_#,($=!*~>%|', '\r\n', '\r', '\n', '0', '1', '2', '11', '-1', 'a', '$1\r\na\r\n'],
  inline: [...'"\'\\xnrtba4fFg \t\v\f\r\n\0\xff'],
  values: [...'+-:_#,($=!*~>%|', '\r\n', '0', '1', '2', '-1', '1.5', 'inf', 't', 'a', '$1\r\na\r\n', '+a\r\n'],
  glob: [...'*?[]^-\\abc\0\x80\xff'],
  'proxy-header': ['PROXY ', 'TCP4 ', '1.1.1.1 ', '1', '\r\n', '\r\n\r\n\0\r\nQUIT\n', '\x21', '\x11', '\0', '\x0c'],
  'mysql-response': [
    '\x01\0\0\x01\x01',
    '\x07\0\0\x01\0\0\0\x02\0\0\0',
    '\x05\0\0\x02\xfe\0\0\x08\0',
    '\x09\0\0\x03\xff\x10\x04#HY000',
    '\x02\0\0\x02\x01a',
    '\xff\xff\xff',
    ...'\0\x01\x02\x03\x04\x05\x08\x40\xfb\xfc\xfd\xfe\xff',
  ],
  'mysql-packets': ['\x01\0\0\0\x0e', '\x11\0\0\0', '\0\0\0\x01', ...'\0\x01\x02\x03\x10\x11\x40\x41a'],
  'mysql-payloads': [
    ...'\0\x01\x02\x03\x04\x0a\x14\x40\x7f\xfb\xfc\xfd\xfe\xffa#',
    'root\0',
    'HY000',
    '\0\0\0\0\0\0\0\0',
  ],
  'http-requests': [
    ...'GET /|HTTP/1.1|HTTP/1.0|\r\n|\r|\n|\r\n\r\n|Host: a|Content-Length: |Transfer-Encoding: chunked|Connection: |'.split(
      '|',
    ),
    ...'Content-Length: 5\r\n|Transfer-Encoding: chunked\r\n|Connection: close\r\n|Upgrade: x\r\nConnection: upgrade\r\n'.split(
      '|',
    ),
    ...'close|keep-alive|upgrade|Upgrade: x|Expect: 100-continue|0\r\n\r\n|5\r\nhello\r\n|GET / HTTP/1.1\r\nHost: a\r\n\r\n'.split(
      '|',
    ),
    ...'POST / HTTP/1.1\r\nHost: a\r\n|chunked|http://a/|:|;|,|=|"| |\t|0|1|5|a|F|\0|\x7f|\x80|\xff'.split('|'),
  ],
  'http-responses': [
    ...'HTTP/1.1 200 OK\r\n|HTTP/1.0 200 OK\r\n|HTTP/1.1 204|HTTP/1.1 304 |HTTP/1.1 100 x|\r\n|\r|\n|\r\n\r\n'.split(
      '|',
    ),
    ...'Content-Length: |Transfer-Encoding: chunked|Connection: |close|keep-alive|0\r\n\r\n|5\r\nhello\r\n'.split('|'),
    ...':|;|,|=| |\t|0|1|5|a|F|\0|\x7f|\x80|\xff'.split('|'),
  ],
  'mysql-frames': ['\x01\0\0\0\0\0\0a', '\x09\0\0\0\x01\0\0x\x9cK\x04\0\0b\0b', ...'\0\x01\x02\x09\x32\xffx\x9c'],
}

test('every target has a corpus', () => {
  expect(Object.keys(CORPUS).sort()).toEqual(Object.keys(TARGETS).sort())
})

describe.each(Object.keys(TARGETS))('%s', name => {
  const target = TARGETS[name]!

  test.each(CORPUS[name]!.map(row => [row]))('%j', row => {
    target(Buffer.from(row, 'latin1'))
  })

  test('random bytes, and rows with bytes put in, taken out and changed', () => {
    const latin1 = (text: string) => Buffer.from(text, 'latin1')
    const parts = fc.array(fc.constantFrom(...PARTS[name]!).map(latin1), { maxLength: 24 }).map(Buffer.concat)
    const head = fc.uint8Array({ minLength: 3, maxLength: 3 })
    const made = fc.tuple(head, parts).map(Buffer.concat)
    const edit = fc.tuple(fc.nat(), fc.nat({ max: 4 }), fc.oneof(parts, fc.uint8Array({ maxLength: 4 })))
    const mutated = fc.tuple(
      fc.constantFrom(...CORPUS[name]!).map(latin1),
      fc.array(edit, { minLength: 1, maxLength: 3 }),
    )
    const changed = mutated.map(([row, edits]) =>
      edits.reduce((bytes, [position, dropped, put]) => {
        const at = position % (bytes.length + 1)
        return Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + dropped)])
      }, row),
    )
    const random = fc.uint8Array({ minLength: 3, maxLength: 100 }).map(bytes => Buffer.from(bytes))
    fc.assert(
      fc.property(fc.oneof(made, parts, changed, random), bytes => target(bytes)),
      { numRuns: 3000 },
    )
  })
})
