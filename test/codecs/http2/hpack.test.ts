/** HPACK: the RFC's examples, what it forbids, and Node's own implementation in both directions. */
import { once } from 'node:events'
import { type ClientHttp2Session, connect, sensitiveHeaders } from 'node:http2'
import { type AddressInfo, createServer, type Server } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ProtocolError } from '../../../codecs/codec.ts'
import {
  encodeFields,
  Flag,
  FrameDecoder,
  FrameType,
  frame,
  HpackDecoder,
  settings,
} from '../../../codecs/http2/index.ts'

type Field = readonly [string, string]

function decodeBy(decoder: HpackDecoder, block: Buffer): Field[] {
  const fields: Field[] = []
  decoder.decode(block, { onField: (name, value) => fields.push([name, value]) })
  return fields
}

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const REQUESTS: readonly (readonly Field[])[] = [
  [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'www.example.com'],
  ],
  [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'www.example.com'],
    ['cache-control', 'no-cache'],
  ],
  [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':path', '/index.html'],
    [':authority', 'www.example.com'],
    ['custom-key', 'custom-value'],
  ],
]
const REST: readonly Field[] = [
  ['cache-control', 'private'],
  ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
  ['location', 'https://www.example.com'],
]
const RESPONSES: readonly (readonly Field[])[] = [
  [[':status', '302'], ...REST],
  [[':status', '307'], ...REST],
  [
    [':status', '200'],
    ['cache-control', 'private'],
    ['date', 'Mon, 21 Oct 2013 20:13:22 GMT'],
    ['location', 'https://www.example.com'],
    ['content-encoding', 'gzip'],
    ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'],
  ],
]
/** The table of the responses in the RFC has 256 bytes. */
const SMALL_TABLE = '3fe101'

describe('the examples of RFC 7541, appendix C', () => {
  it.each([
    ['C.2.1', '400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572', ['custom-key', 'custom-header']],
    ['C.2.2', '040c 2f73 616d 706c 652f 7061 7468', [':path', '/sample/path']],
    ['C.2.3', '1008 7061 7373 776f 7264 0673 6563 7265 74', ['password', 'secret']],
    ['C.2.4', '82', [':method', 'GET']],
  ])('%s', (_, block, field) => {
    expect(decodeBy(new HpackDecoder(), hex(block))).toEqual([field])
  })

  it.each([
    [
      'C.3',
      [
        '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
        '8286 84be 5808 6e6f 2d63 6163 6865',
        '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
      ],
      REQUESTS,
    ],
    [
      'C.4',
      [
        '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
        '8286 84be 5886 a8eb 1064 9cbf',
        '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
      ],
      REQUESTS,
    ],
    [
      'C.5',
      [
        `${SMALL_TABLE} 4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
        '4803 3330 37c1 c0bf',
        '88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31',
      ],
      RESPONSES,
    ],
    [
      'C.6',
      [
        `${SMALL_TABLE} 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3`,
        '4883 640e ffc1 c0bf',
        '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
      ],
      RESPONSES,
    ],
  ])('%s', (_, blocks, expected) => {
    const decoder = new HpackDecoder()
    expect(blocks.map(block => decodeBy(decoder, hex(block)))).toEqual(expected)
  })
})

describe('what is refused', () => {
  it.each([
    ['index 0', '80'],
    ['an index behind the table', 'be'],
    ['a name that is not there', '7e 01 61'],
    ['a number that is cut off', 'ff'],
    ['a number without end', 'ff ff ff ff ff ff ff ff ff 01'],
    ['a string that is cut off', '00 05 61 62'],
    ['a string that is missing', '00 01 61'],
    ['a table that is larger than agreed', '3f e2 1f'],
    ['another size of the table between fields', '82 20'],
    ['Huffman: padding of zeros', '00 01 61 81 00'],
    ['Huffman: padding of eight bits', '00 01 61 82 1f ff'],
    ['Huffman: the end within a string', '00 01 61 84 ff ff ff ff'],
  ])('%s', (_, block) => {
    expect(() => decodeBy(new HpackDecoder(), hex(block))).toThrow(ProtocolError)
  })

  it('whatever it is given, it ends in fields or ProtocolError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        try {
          decodeBy(new HpackDecoder(), Buffer.from(bytes))
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError)
        }
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('against node:http2', () => {
  let server: Server
  let client: ClientHttp2Session
  /** What the last request said, as it was decoded here; and what its response is to say. */
  let seen: Field[] = []
  let answer: readonly Field[] = []

  beforeAll(async () => {
    server = createServer(socket => {
      const hpack = new HpackDecoder()
      let block: Buffer[] = []
      const decoder = new FrameDecoder({
        onFrame(type, flags, stream, payload) {
          if (type === FrameType.SETTINGS && !(flags & Flag.ACK))
            socket.write(frame(FrameType.SETTINGS, Flag.ACK, 0, Buffer.alloc(0)))
          if (type !== FrameType.HEADERS && type !== FrameType.CONTINUATION) return
          // Node's client sends a priority with the head.
          block.push(Buffer.from(payload.subarray(flags & Flag.PRIORITY && type === FrameType.HEADERS ? 5 : 0)))
          if (!(flags & Flag.END_HEADERS)) return
          seen = decodeBy(hpack, Buffer.concat(block))
          block = []
          socket.write(frame(FrameType.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, stream, encodeFields(answer)))
        },
      })
      socket.write(settings([]))
      socket.on('error', () => {})
      socket.on('data', bytes => decoder.write(bytes))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  })

  afterAll(() => {
    client.destroy()
    server.close()
  })

  const value = fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map(code => String.fromCharCode(code)) })
  const field = fc.tuple(
    fc.integer({ min: 0, max: 30 }).map(n => `x-field-${n}`),
    // Longer than the table too.
    fc.oneof(value, fc.constant('v'.repeat(300)), fc.constant('long'.repeat(1_100))),
  )
  // What is sent from here stands in one frame.
  const fields = (maxLength: number) => fc.uniqueArray(field, { maxLength, selector: ([name]) => name })

  it('takes what it encodes, and is taken', async () => {
    await fc.assert(
      fc.asyncProperty(fields(8), fields(3), async (request, response) => {
        answer = [[':status', '200'], ...response]
        const stream = client.request({
          ':path': '/p',
          ...Object.fromEntries(request),
          [sensitiveHeaders]: request.slice(0, 1).map(([name]) => name),
        })
        const [headers] = await once(stream, 'response')
        const got = Object.fromEntries(seen.filter(([name]) => name.startsWith('x-')))
        expect(got).toEqual(Object.fromEntries(request))
        expect(headers).toMatchObject({ ':status': 200, ...Object.fromEntries(response) })
        stream.close()
      }),
      { numRuns: 300 },
    )
  })
})
