import { describe, expect, it } from 'vitest'
import * as z from 'zod/mini'
import { address, duration, isLocal, secretRef, size } from '../../src/config/index.ts'

describe('duration', () => {
  it.each([
    ['250ms', 250],
    ['30s', 30_000],
    ['1.5s', 1500],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['0', 0],
    [0, 0],
  ])('%s is %i ms', (written, ms) => expect(duration().parse(written)).toBe(ms))

  it.each([5, '5', '5 s', '-5s', '5d', 's', '', '1e3s', null, true])('refuses %j', written => {
    const { error } = duration().safeParse(written)
    expect(error?.issues.map(issue => issue.message)).toEqual([
      'must be a duration with a unit such as 250ms, 30s, 5m or 1h',
    ])
  })

  it('refuses what no timer can wait for', () => {
    expect(duration().safeParse('596h').success).toBe(true)
    expect(duration().safeParse('597h').success).toBe(false)
  })

  it('has a preset that is written as in a file', () => {
    const schema = z.strictObject({ idle: duration('5m').check(z.describe('Why.')) })
    expect(schema.parse({})).toEqual({ idle: 300_000 })
    const emitted = z.toJSONSchema(schema, { io: 'input' })
    expect(emitted.properties?.['idle']).toMatchObject({ default: '5m', description: 'Why.' })
    expect(emitted.required).toBeUndefined()
  })
})

describe('size', () => {
  it.each([
    ['512B', 512],
    ['64KiB', 65_536],
    ['8MiB', 8_388_608],
    ['1GiB', 1_073_741_824],
    ['1kB', 1000],
    ['2MB', 2_000_000],
    ['1GB', 1_000_000_000],
  ])('%s is %i bytes', (written, bytes) => expect(size().parse(written)).toBe(bytes))

  it.each([8, '8', '8mb', '8 MiB', '8M'])('refuses %j', written =>
    expect(size().safeParse(written).success).toBe(false),
  )
})

describe('address', () => {
  it.each([
    ['127.0.0.1:6379', { host: '127.0.0.1', port: 6379 }],
    ['cache.internal:0', { host: 'cache.internal', port: 0 }],
    ['[::1]:65535', { host: '::1', port: 65_535 }],
    ['[fe80::1%eth0]:1', { host: 'fe80::1%eth0', port: 1 }],
    ['unix:/run/a b.sock', { path: '/run/a b.sock' }],
    ['unix:relative.sock', { path: 'relative.sock' }],
  ])('reads %s', (written, expected) => expect(address().parse(written)).toEqual(expected))

  it.each(['6379', ':6379', 'a:b', 'a:65536', '::1:1', 'unix:', '[::1]', 'a b:1', '[::1:1', 'a:', 'a/b:1'])(
    'refuses %s',
    written => expect(address().safeParse(written).success).toBe(false),
  )

  it.each([
    ['127.0.0.1:1', true],
    ['127.255.0.9:1', true],
    ['localhost:1', true],
    ['[::1]:1', true],
    ['unix:/x', true],
    ['0.0.0.0:1', false],
    ['[::]:1', false],
    ['127.example.com:1', false],
    ['10.0.0.1:1', false],
  ])('%s is local: %s', (written, local) => expect(isLocal(address().parse(written))).toBe(local))
})

describe('secretRef', () => {
  it.each([
    [{ env: 'A' }, { env: 'A' }],
    [{ file: '/a' }, { file: '/a' }],
    [{ command: ['a', 'b'] }, { command: ['a', 'b'] }],
    [
      { command: ['a'], refresh: '5m' },
      { command: ['a'], refreshMs: 300_000 },
    ],
  ])('reads %j', (written, expected) => expect(secretRef().parse(written)).toStrictEqual(expected))

  it.each(['hunter2', 5, {}, { env: 'A', file: 'b' }, { command: [] }, { command: 'a b' }])(
    'refuses %j and shows the forms',
    written => expect(secretRef().safeParse(written).error?.message).toContain('{ env: NAME }'),
  )
})
