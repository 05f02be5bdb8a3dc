/** Bodies of Dubbo's calls; those of answers are written out here in Hessian 2, after its description. */
import { beforeAll, describe, expect, it } from 'vitest'
import { ApiError } from '../../../src/apis/index.ts'
import {
  decodeAnswer,
  encodeInvocation,
  type Hessian,
  loadHessian,
} from '../../../src/components/clients/dubbo/index.ts'

let hessian: Hessian
beforeAll(async () => {
  hessian = await loadHessian()
})

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const answer = (text: string, status = 20) => decodeAnswer(hessian, status, hex(text), false)

describe('answers', () => {
  it.each([
    ['null', '92', null],
    ['a text', '91 02 6869', 'hi'],
    ['true', '91 54', true],
    ['a small int', '91 93', 3],
    ['an int', '91 49 7fffffff', 2_147_483_647],
    ['a long that JSON can say', '91 59 80000000', -2_147_483_648],
    ['a long that it cannot', '91 4c 7fffffffffffffff', '9223372036854775807'],
    ['a double', '91 44 3ff8000000000000', 1.5],
    ['no number', '91 44 7ff8000000000000', 'NaN'],
    ['a date', '91 4a 0000000000000000', '1970-01-01T00:00:00.000Z'],
    ['bytes', '91 22 0102', 'AQI='],
    ['a list', '91 7a 91 4e', [1, null]],
    ['a map', '91 48 01 61 91 01 62 7a 92 93 5a', { a: 1, b: [2, 3] }],
    ['a map with a class', '91 48 05 636c617373 03 612e42 01 61 91 5a', { a: 1 }],
    ['a map with a field class that is no name', '91 48 05 636c617373 91 5a', { class: 1 }],
    ['a map with a field __proto__', '91 48 09 5f5f70726f746f5f5f 91 01 61 91 5a', { a: 1 }],
    ['the same list twice', '91 7a 79 91 51 91', [[1], [1]]],
  ])('%s', (_, bytes, expected) => {
    expect(answer(bytes).value).toEqual(expected)
  })

  it('have attachments as far as those are texts', () => {
    expect(answer('94 91 48 01 61 01 62 01 63 91 05 647562626f 05 322e302e32 5a')).toEqual({
      value: 1,
      attachments: { a: 'b' },
    })
  })

  it.each([
    ['a timeout', 31, 'unknown'],
    ['too much to do', 100, 'unavailable'],
    ['a bad request', 40, 'invalid-argument'],
    ['no such service', 60, 'not-found'],
    ['an error', 80, 'internal'],
    ['an unknown status', 7, 'internal'],
  ])('a status of %s has its code', (_, status, code) => {
    expect(() => answer('02 6869', status)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(/: hi$/) }),
    )
    expect(() => answer('ff', status)).toThrow(expect.objectContaining({ code }))
  })

  it.each([
    ['of no kind', '9f'],
    ['empty', ''],
    ['cut off in a text', '91 05 6869'],
    ['cut off in a list', '91 58 49 7fffffff 91'],
    ['with an unknown code', '91 45'],
    ['a list that contains itself', '91 79 51 90'],
    ['nested too deep', `91 ${'79'.repeat(300)} 90`],
    ['nested so deep that the stack would end', `91 ${'79'.repeat(200_000)} 90`],
  ])('%s are errors', (_, bytes) => {
    expect(() => answer(bytes)).toThrow(ApiError)
  })

  it('that refer to each other until they are huge are refused', () => {
    // Each list has the one before it twice.
    let body = '7a 90 90'
    for (let i = 0; i < 40; i++) body = `7a ${body} 51 ${(0x90 + 40 - i).toString(16)}`
    expect(() => answer(`91 ${body}`)).toThrow(/more than/)
  })

  it('of random bytes are values or errors', () => {
    let state = 7
    const random = (below: number) => (state = (state * 48_271) % 2_147_483_647) % below
    let errors = 0
    for (let round = 0; round < 3_000; round++) {
      const bytes = Buffer.from([0x91, ...Array.from({ length: random(40) }, () => random(256))])
      try {
        JSON.stringify(decodeAnswer(hessian, 20, bytes, true))
      } catch (error) {
        expect(error).toBeInstanceOf(ApiError)
        errors++
      }
    }
    expect(errors).toBeGreaterThan(1_000)
    expect(errors).toBeLessThan(3_000)
  })
})

describe('arguments', () => {
  const call = { service: 'a.B', method: 'm', group: '', version: '', attachments: {} }
  const encode = (args: readonly unknown[], types?: readonly string[]) =>
    encodeInvocation(hessian, { ...call, args, ...(types && { types }) }, 100).toString('hex')

  it.each([
    ['an int', 1, 'int', '91'],
    ['a long', 1, 'long', 'e1'],
    ['a long in words', '9223372036854775807', 'java.lang.Long', '4c7fffffffffffffff'],
    ['a double', 1, 'double', '5c'],
    ['a boolean', true, 'boolean', '54'],
    ['a text', 'hi', 'java.lang.String', '026869'],
    ['null', null, 'java.lang.Long', '4e'],
    ['bytes', 'AQI=', 'byte[]', '220102'],
    ['a date', 0, 'java.util.Date', '4b00000000'],
    ['longs', [1, 2], 'long[]', '7ae1e2'],
    ['a number of no type', 1.25, undefined, '5f000004e2'],
    ['an object', { $class: 'x', $: 1 }, undefined, '480624636c61737301780124915a'],
  ])('%s', (_, value, type, bytes) => {
    // Behind the method's name and the list of its types; the list of arguments begins with its own type.
    const written = encode([value], type === undefined ? undefined : [type])
    expect(written).toContain(`71075b6f626a656374${bytes}`)
  })

  it.each([
    [1.5, 'int'],
    [2 ** 31, 'int'],
    [128, 'byte'],
    ['9223372036854775808', 'long'],
    [2 ** 53, 'long'],
    [null, 'int'],
    [1, 'java.lang.String'],
    ['yes', 'boolean'],
    ['***', 'byte[]'],
    ['yesterday', 'java.util.Date'],
    [1, 'int[]'],
    [['a'], 'int[]'],
  ])('%j is no %s', (value, type) => {
    expect(() => encode([value], [type])).toThrow(expect.objectContaining({ code: 'invalid-argument' }))
  })

  it('nested too deep are refused', () => {
    let nested: unknown = 1
    for (let i = 0; i < 200; i++) nested = [nested]
    expect(() => encode([nested])).toThrow(expect.objectContaining({ code: 'invalid-argument' }))
  })
})
