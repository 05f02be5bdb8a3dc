/** PROXY headers: each row whole, byte by byte, split everywhere, with bytes behind it; then what must be refused. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../../codecs/codec.ts'
import {
  decodeProxyHeader,
  encodeLocalHeader,
  encodeProxyHeader,
  MAX_PROXY_HEADER_BYTES,
  type ProxyHeader,
} from '../../../codecs/proxy-protocol/index.ts'

const SIGNATURE = '0d0a0d0a000d0a515549540a'
const v2 = (rest: string): Buffer => Buffer.from(SIGNATURE + rest.replace(/\s/g, ''), 'hex')
const v1 = (line: string): Buffer => Buffer.from(line, 'latin1')
const path = (text: string): string => Buffer.from(text).toString('hex').padEnd(216, '0')
const tcp4 = { source: { host: '192.0.2.1', port: 56324 }, destination: { host: '198.51.100.7', port: 443 } }
const tcp6 = { source: { host: '2001:db8::1', port: 1 }, destination: { host: '::1', port: 65535 } }
const INET = 'c0000201 c6336407 dc04 01bb'
const INET6 = '20010db8000000000000000000000001 00000000000000000000000000000001 0001 ffff'

const rows: readonly [name: string, bytes: Buffer, header: Omit<ProxyHeader, 'byteLength'>][] = [
  ['v1 TCP4', v1('PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n'), { version: 1, ...tcp4 }],
  ['v1 TCP6', v1('PROXY TCP6 2001:db8::1 ::1 1 65535\r\n'), { version: 1, ...tcp6 }],
  [
    'v1 port 0',
    v1('PROXY TCP4 0.0.0.0 255.255.255.255 0 0\r\n'),
    {
      version: 1,
      source: { host: '0.0.0.0', port: 0 },
      destination: { host: '255.255.255.255', port: 0 },
    },
  ],
  ['v1 UNKNOWN', v1('PROXY UNKNOWN\r\n'), { version: 1 }],
  ['v1 UNKNOWN, addresses not believed', v1('PROXY UNKNOWN 10.0.0.1 10.0.0.2 1 2\r\n'), { version: 1 }],
  ['v1 UNKNOWN of 107 bytes', v1(`PROXY UNKNOWN ${'f'.repeat(91)}\r\n`), { version: 1 }],
  ['v2 TCP over IPv4', v2(`21 11 000c ${INET}`), { version: 2, ...tcp4 }],
  ['v2 TCP over IPv6', v2(`21 21 0024 ${INET6}`), { version: 2, ...tcp6 }],
  [
    'v2 unix stream',
    v2(`21 31 00d8 ${path('/run/a')}${path('/run/b')}`),
    {
      version: 2,
      source: { path: '/run/a' },
      destination: { path: '/run/b' },
    },
  ],
  [
    'v2 unix path of 108 bytes',
    v2(`21 31 00d8 ${'61'.repeat(108)}${path('')}`),
    {
      version: 2,
      source: { path: 'a'.repeat(108) },
      destination: { path: '' },
    },
  ],
  ['v2 UDP over IPv4, no connection of ours', v2(`21 12 000c ${INET}`), { version: 2 }],
  ['v2 UDP over IPv6', v2(`21 22 0024 ${INET6}`), { version: 2 }],
  ['v2 unix datagram', v2(`21 32 00d8 ${path('/a')}${path('/b')}`), { version: 2 }],
  ['v2 family without transport', v2(`21 10 000c ${INET}`), { version: 2 }],
  ['v2 UNSPEC', v2('21 00 0000'), { version: 2 }],
  ['v2 UNSPEC with a transport and bytes', v2('21 01 0003 ffffff'), { version: 2 }],
  ['v2 LOCAL', v2('20 00 0000'), { version: 2 }],
  ['v2 LOCAL with an address, not believed', v2(`20 11 000c ${INET}`), { version: 2 }],
  ['v2 LOCAL with nonsense', v2('20 31 0002 ffff'), { version: 2 }],
  ['v2 with TLVs', v2(`21 11 0016 ${INET} 02 0004 68747470 04 0000`), { version: 2, ...tcp4 }],
  ['v2 of the greatest length', v2(`21 11 1000 ${INET} 04 0ff1 ${'00'.repeat(4081)}`), { version: 2, ...tcp4 }],
]

describe.each(rows)('%s', (_name, bytes, header) => {
  const expected = { ...header, byteLength: bytes.length }

  test('whole', () => {
    expect(decodeProxyHeader(bytes)).toEqual(expected)
  })

  test('every part of it asks for more', () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeProxyHeader(bytes.subarray(0, length))).toBeUndefined()
    }
  })

  test('what follows is not touched', () => {
    for (const tail of ['\r\n', '\0\x01\0\xff', 'PROXY TCP4 1.1.1.1 1.1.1.1 1 1\r\n', 'x'.repeat(10_000)]) {
      expect(decodeProxyHeader(Buffer.concat([bytes, Buffer.from(tail, 'latin1')]))).toEqual(expected)
    }
  })
})

test.each([
  ['another protocol', v1('GET / HTTP/1.1\r\n')],
  ['one wrong byte', v1('PROXX')],
  ['lower case', v1('proxy TCP4 1.1.1.1 1.1.1.1 1 1\r\n')],
  ['no family', v1('PROXY \r\n')],
  ['an unknown family', v1('PROXY TCP5 1.1.1.1 1.1.1.1 1 1\r\n')],
  ['UNKNOWN with something glued to it', v1('PROXY UNKNOWNS\r\n')],
  ['two spaces', v1('PROXY TCP4  1.1.1.1 1.1.1.1 1 1\r\n')],
  ['a trailing space', v1('PROXY TCP4 1.1.1.1 1.1.1.1 1 1 \r\n')],
  ['too few fields', v1('PROXY TCP4 1.1.1.1 1.1.1.1 1\r\n')],
  ['too many fields', v1('PROXY TCP4 1.1.1.1 1.1.1.1 1 1 1\r\n')],
  ['only LF', v1('PROXY TCP4 1.1.1.1 1.1.1.1 1 1\nAUTH x\r\n')],
  ['a line of 108 bytes', v1(`PROXY UNKNOWN ${'f'.repeat(92)}\r\n`)],
  ['a line without an end', v1(`PROXY TCP4 ${'1'.repeat(200)}`)],
  ['an octet above 255', v1('PROXY TCP4 1.1.1.256 1.1.1.1 1 1\r\n')],
  ['a leading zero', v1('PROXY TCP4 01.1.1.1 1.1.1.1 1 1\r\n')],
  ['three octets', v1('PROXY TCP4 1.1.1 1.1.1.1 1 1\r\n')],
  ['IPv6 in TCP4', v1('PROXY TCP4 ::1 ::1 1 1\r\n')],
  ['IPv4 in TCP6', v1('PROXY TCP6 1.1.1.1 1.1.1.1 1 1\r\n')],
  ['IPv6 with two gaps', v1('PROXY TCP6 1::2::3 ::1 1 1\r\n')],
  ['IPv6 with nine groups', v1('PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 1 1\r\n')],
  ['IPv6 with seven groups', v1('PROXY TCP6 1:2:3:4:5:6:7 ::1 1 1\r\n')],
  ['IPv6 with a zone', v1('PROXY TCP6 fe80::1%eth0 ::1 1 1\r\n')],
  ['IPv6 beginning with one colon', v1('PROXY TCP6 :1:2:3:4:5:6:7 ::1 1 1\r\n')],
  ['a port above 65535', v1('PROXY TCP4 1.1.1.1 1.1.1.1 65536 1\r\n')],
  ['a signed port', v1('PROXY TCP4 1.1.1.1 1.1.1.1 +1 1\r\n')],
  ['a port with a leading zero', v1('PROXY TCP4 1.1.1.1 1.1.1.1 01 1\r\n')],
  ['v2 of version 1', v2('11 11 000c')],
  ['v2 of version 3', v2('31 11 000c')],
  ['an unknown command', v2(`22 11 000c ${INET}`)],
  ['an unknown family of v2', v2(`21 41 000c ${INET}`)],
  ['an unknown transport', v2(`21 13 000c ${INET}`)],
  ['v2 beyond its greatest length', v2('21 11 1001')],
  ['v2 of 64 KiB', v2('21 11 ffff')],
  ['addresses cut off (IPv4)', v2('21 11 000b c0000201c6336407dc0401')],
  ['addresses cut off (IPv6)', v2(`21 21 000c ${INET}`)],
  ['addresses cut off (unix)', v2(`21 31 000c ${INET}`)],
  ['a TLV without a length', v2(`21 11 000e ${INET} 0200`)],
  ['a TLV that reaches beyond', v2(`21 11 0010 ${INET} 02 0002 68`)],
  ['a TLV that reaches into the payload', Buffer.concat([v2(`21 11 000f ${INET} 02 0004`), v1('http')])],
])('refused: %s', (_name, bytes) => {
  expect(() => decodeProxyHeader(bytes)).toThrow(ProtocolError)
})

test('any bytes give a header, a wish for more, or ProtocolError', () => {
  const start = fc.constantFrom(v1('PROXY TCP4 '), v1('PROXY TCP6 '), v1('PROXY '), v2('21'), v2(''), v1(''))
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 300 }), (prefix, random) => {
      const bytes = Buffer.concat([prefix, random])
      try {
        const header = decodeProxyHeader(bytes)
        if (header) expect(header.byteLength).toBeLessThanOrEqual(bytes.length)
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError)
      }
    }),
    { numRuns: 3000 },
  )
})

test('no header is longer than the limit that readers go by', () => {
  const longest = Buffer.concat([v2('20 00 1000'), Buffer.alloc(4096)])
  expect(decodeProxyHeader(longest)?.byteLength).toBe(MAX_PROXY_HEADER_BYTES)
  expect(() => decodeProxyHeader(v2('20 00 1001'))).toThrow(ProtocolError)
})

test('one changed byte never makes the header reach beyond its announced end', () => {
  const tail = Buffer.from('payload')
  fc.assert(
    fc.property(fc.constantFrom(...rows), fc.nat(), fc.nat(255), ([, bytes], at, value) => {
      const mutated = Buffer.concat([bytes, tail])
      mutated[at % bytes.length] = value
      try {
        const header = decodeProxyHeader(mutated)
        if (header) expect(header.byteLength).toBeLessThanOrEqual(mutated.length)
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError)
      }
    }),
    { numRuns: 2000 },
  )
})

describe('what is written can be read', () => {
  const port = fc.nat(65_535)
  const inet = fc.record({ host: fc.ipV4(), port })
  // As their shortest form, which is what comes back.
  const inet6 = fc.record({ host: fc.ipV6().map(shortest), port })
  const unix = fc.record({ path: fc.stringMatching(/^\/[a-z/]{0,107}$/) })

  test.each([
    [1, 'IPv4', inet],
    [1, 'IPv6', inet6],
    [2, 'IPv4', inet],
    [2, 'IPv6', inet6],
    [2, 'unix', unix],
  ] as const)('v%d %s', (version, _family, address) => {
    fc.assert(
      fc.property(address, address, (source, destination) => {
        const bytes = encodeProxyHeader(version, source, destination)
        expect(decodeProxyHeader(bytes)).toEqual({ version, source, destination, byteLength: bytes.length })
      }),
    )
  })

  test.each([1, 2] as const)('v%d of a mixed pair maps IPv4 into IPv6', version => {
    const bytes = encodeProxyHeader(version, tcp4.source, tcp6.destination)
    expect(decodeProxyHeader(bytes)?.source).toEqual({ host: '::ffff:192.0.2.1', port: 56324 })
  })

  test.each([1, 2] as const)('v%d leaves out what it does not know', version => {
    for (const [source, destination] of [
      [undefined, undefined],
      [tcp4.source, undefined],
      [{ path: '/a' }, tcp4.destination],
      [{ host: 'a.name', port: 1 }, tcp4.destination],
    ] as const) {
      const bytes = encodeProxyHeader(version, source, destination)
      expect(decodeProxyHeader(bytes)).toEqual({ version, byteLength: bytes.length })
    }
  })

  test('v1 has no unix sockets', () => {
    expect(encodeProxyHeader(1, { path: '/a' }, { path: '/b' }).toString()).toBe('PROXY UNKNOWN\r\n')
  })

  test('connections of our own', () => {
    expect(encodeLocalHeader(1).toString()).toBe('PROXY UNKNOWN\r\n')
    expect(encodeLocalHeader(2)).toEqual(v2('20 00 0000'))
  })
})

/** The form of RFC 5952, by way of the platform's own URL parser. */
function shortest(ip: string): string {
  const text = new URL(`http://[${ip}]/`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(text)
  if (!mapped) return text
  const [high, low] = [Number.parseInt(mapped[1]!, 16), Number.parseInt(mapped[2]!, 16)]
  return `::ffff:${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
}
