import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  canonicalPath,
  canonicalQuery,
  decodePath,
  decodeQueryText,
  encodePath,
  encodeQueryText,
  parseQuery,
  S3Error,
  valueIn,
} from '../../../codecs/s3/index.ts'

const UNRESERVED = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~'
const isWellFormed = (value: string) => Buffer.from(value).toString() === value
/** Whole characters only, as decoded texts have, and no NUL. */
const text = fc.string({ unit: 'binary' }).filter(value => isWellFormed(value) && !value.includes('\0'))

describe('paths', () => {
  test.each([
    ['/', '/', '/'],
    ['', '', '/'],
    ['/a//b/./../c', '/a//b/./../c', '/a//b/./../c'],
    ['/a%2e%2E/b', '/a../b', '/a../b'],
    ['/a%2Fb%2fc', '/a/b/c', '/a/b/c'],
    ['/a+b', '/a+b', '/a%2Bb'],
    ['/a%20b c', '/a b c', '/a%20b%20c'],
    ["/(!*'@:=)&$,;", "/(!*'@:=)&$,;", '/%28%21%2A%27%40%3A%3D%29%26%24%2C%3B'],
    ['/%E2%82%AC', '/€', '/%E2%82%AC'],
    ['/\xe2\x82\xac', '/€', '/%E2%82%AC'],
    ['/%f0%9f%98%80', '/😀', '/%F0%9F%98%80'],
    ['/%EF%BB%BFbom', '/\ufeffbom', '/%EF%BB%BFbom'],
    ['/%25', '/%', '/%25'],
    ['/\\%5C', '/\\\\', '/%5C%5C'],
    ['/~-._', '/~-._', '/~-._'],
  ])('%j is %j, signed as %j', (raw, decoded, canonical) => {
    expect(decodePath(raw)).toBe(decoded)
    expect(canonicalPath(raw)).toBe(canonical)
  })

  test.each([
    '/%',
    '/%2',
    '/%zz',
    '/%2g',
    '/%g2',
    '/%u20ac',
    '/a%',
    '/% 2',
    '/%+2',
    '/%-1',
    '/%00',
    '/\0',
    '/%ff',
    '/\xff',
    '/%C0%AF',
    '/%ED%A0%80',
    '/%e2%82',
  ])('%j is no URI', raw => {
    const refused = expect.objectContaining({ code: 'InvalidURI', status: 400 })
    expect(() => decodePath(raw)).toThrow(refused)
    expect(() => canonicalPath(raw)).toThrow(refused)
    expect(() => parseQuery(raw)).toThrow(refused)
  })

  test('every byte is encoded but the unreserved and the slash', () => {
    for (let byte = 1; byte < 128; byte++) {
      const char = String.fromCharCode(byte)
      const hex = `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
      expect(encodePath(char)).toBe(`${UNRESERVED}/`.includes(char) ? char : hex)
      expect(encodeQueryText(char)).toBe(UNRESERVED.includes(char) ? char : hex)
    }
  })

  test('any text survives, however much of it is encoded', () => {
    fc.assert(
      fc.property(text, fc.array(fc.boolean()), (value, choices) => {
        const bytes = Buffer.from(value)
        const raw = Array.from(bytes, (byte, i) =>
          choices[i] || byte === 0x25 ? `%${byte.toString(16).padStart(2, '0')}` : String.fromCharCode(byte),
        ).join('')
        expect(decodePath(raw)).toBe(value)
        expect(canonicalPath(raw)).toBe(encodePath(value) || '/')
        expect(decodePath(encodePath(value))).toBe(value)
        expect(decodeQueryText(encodeQueryText(value))).toBe(value)
      }),
    )
  })

  test('any bytes are text or InvalidURI', () => {
    fc.assert(
      fc.property(fc.uint8Array(), bytes => {
        const raw = Buffer.from(bytes).toString('latin1')
        try {
          expect(isWellFormed(decodePath(raw))).toBe(true)
        } catch (error) {
          expect(error).toBeInstanceOf(S3Error)
        }
      }),
    )
  })
})

describe('queries', () => {
  test.each<[string, string[], string]>([
    ['', [], ''],
    ['acl', ['acl', ''], 'acl='],
    ['acl=', ['acl', ''], 'acl='],
    ['&&acl&', ['acl', ''], 'acl='],
    ['=x', ['', 'x'], '=x'],
    ['a=b=c', ['a', 'b=c'], 'a=b%3Dc'],
    ['b=2&a=2&a=1&a-b=0', ['b', '2', 'a', '2', 'a', '1', 'a-b', '0'], 'a=1&a=2&a-b=0&b=2'],
    ['prefix=a+b%2Bc%20d/e', ['prefix', 'a b+c d/e'], 'prefix=a%20b%2Bc%20d%2Fe'],
    ['b&B&%C3%A4&_', ['b', '', 'B', '', 'ä', '', '_', ''], '%C3%A4=&B=&_=&b='],
    ['X-Amz-Signature=abc', ['X-Amz-Signature', 'abc'], ''],
    ['X-Amz-Signature=abc&x=1', ['X-Amz-Signature', 'abc', 'x', '1'], 'x=1'],
    ['a;b=1', ['a;b', '1'], 'a%3Bb=1'],
  ])('%j', (raw, pairs, canonical) => {
    expect(parseQuery(raw)).toEqual(pairs)
    expect(canonicalQuery(pairs)).toBe(canonical)
  })

  test('the canonical form means the same, and is its own', () => {
    const pairs = fc.array(fc.tuple(text, text)).map(list => list.flat())
    fc.assert(
      fc.property(pairs, query => {
        const canonical = canonicalQuery(query)
        const again = parseQuery(canonical)
        const sorted = (list: string[]) => list.flatMap((x, i) => (i % 2 ? [] : [`${x}\0${list[i + 1]}`])).sort()
        expect(sorted(again)).toEqual(sorted(query))
        expect(canonicalQuery(again)).toBe(canonical)
      }),
    )
  })

  test('the first value counts', () => {
    expect(valueIn(['a', '1', 'b', '2', 'a', '3'], 'a')).toBe('1')
    expect(valueIn(['a', 'b'], 'b')).toBeUndefined()
  })
})
