import { describe, expect, test } from 'vitest'
import { redactFields, redactText, registerSecret } from '../../src/observability/redact.ts'

describe('fields by name', () => {
  test.each([
    'password',
    'redisPassword',
    'passwd',
    'passphrase',
    'auth',
    'Authorization',
    'clientSecret',
    'secrets',
    'token',
    'access_token',
    'privateKey',
    'secret_access_key',
  ])('%s is hidden', name => {
    expect(redactFields({ [name]: 'x', other: 'y' })).toEqual({ [name]: '[redacted]', other: 'y' })
  })

  test.each(['author', 'passed', 'user', 'tokenize', 'key', 'address'])('%s is shown', name => {
    expect(redactFields({ [name]: 'x' })).toEqual({ [name]: 'x' })
  })

  test('below a sensitive name only references are shown', () => {
    const fields = {
      password: { env: 'CACHE_PASSWORD' },
      passwords: [{ file: '/run/secret' }, 'literal'],
      token: { command: ['vault', 'read'], refreshMs: 5, value: 'literal' },
      users: [{ name: 'bob', password: 'literal' }],
    }
    expect(redactFields(fields)).toEqual({
      password: { env: 'CACHE_PASSWORD' },
      passwords: [{ file: '/run/secret' }, '[redacted]'],
      token: { command: ['vault', 'read'], refreshMs: 5, value: '[redacted]' },
      users: [{ name: 'bob', password: '[redacted]' }],
    })
  })

  test('errors keep their cause, buffers their length, cycles end', () => {
    const cycle: Record<string, unknown> = { password: 'x' }
    cycle['self'] = cycle
    expect(JSON.stringify(redactFields(cycle))).not.toContain('"x"')
    const cause = Object.assign(new Error('inner'), { code: 'ECONNREFUSED' })
    expect(redactFields({ error: new Error('outer', { cause }), body: Buffer.from('abc') })).toMatchObject({
      error: { type: 'Error', message: 'outer', stack: expect.any(String), cause: { code: 'ECONNREFUSED' } },
      body: '[3 bytes]',
    })
  })
})

describe('registered secrets', () => {
  test('go from any text, in their JSON and URL forms too, the longest first', () => {
    registerSecret('tr0ub4dor')
    registerSecret('tr0ub4dor&3"x')
    expect(redactText('a tr0ub4dor b')).toBe('a [redacted] b')
    expect(redactText('a tr0ub4dor&3"x b')).toBe('a [redacted] b')
    expect(redactText(JSON.stringify({ text: 'tr0ub4dor&3"x' }))).toBe('{"text":"[redacted]"}')
    expect(redactText(`redis://:${encodeURIComponent('tr0ub4dor&3"x')}@host`)).toBe('redis://:[redacted]@host')
  })

  test('a short one would blank out ordinary words', () => {
    registerSecret('abc')
    registerSecret('')
    expect(redactText('abcdef')).toBe('abcdef')
  })
})
