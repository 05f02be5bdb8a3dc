import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConfigError, loadConfig, sameConfig } from '../../src/config/index.ts'
import { interpolate } from '../../src/config/interpolate.ts'
import { nearest } from '../../src/config/nearest.ts'
import { fakes } from './fakes.ts'

let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'portolan-config-'))))
afterAll(() => rm(folder, { recursive: true }))

async function write(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

describe('loadConfig', () => {
  it('tells which files to watch, whatever the configuration says', async () => {
    const one = await write('one.yaml', 'admin: { address: false }')
    const two = await write('two.yaml', '')
    expect((await loadConfig([one, two], fakes)).files).toEqual([one, two])
  })

  it('names files that cannot be read, and goes on to the others', async () => {
    const missing = join(folder, 'missing.yaml')
    const broken = await write('broken.yaml', 'a: [')
    const error = await loadConfig([missing, folder, broken], fakes).catch((error: unknown) => error)
    expect((error as ConfigError).problems).toMatchObject([
      { file: missing, message: 'cannot be read: there is no such file' },
      { file: folder, message: 'cannot be read: it is a directory' },
      { file: broken, line: 1 },
    ])
  })

  it('gives every problem as data too', async () => {
    const path = await write('bad.yaml', 'log:\n  level: inf\n')
    const error = await loadConfig([path], fakes).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(ConfigError)
    expect((error as ConfigError).problems).toEqual([
      {
        file: path,
        line: 2,
        column: 10,
        path: 'log.level',
        message: 'must be one of',
        found: '"inf"',
        allowed: ['debug', 'info', 'warn', 'error'],
        suggestion: 'info',
        excerpt: { text: '  level: inf', start: 9, width: 3 },
      },
    ])
  })

  it('is not fooled by keys that mean something to JavaScript', async () => {
    const path = await write('proto.yaml', '__proto__: { log: { level: debug } }\nlisteners: { constructor: {} }\n')
    const error = await loadConfig([path], fakes).catch((error: unknown) => error)
    expect((error as ConfigError).problems.map(problem => problem.path)).toEqual([
      '__proto__',
      'listeners.constructor.protocol',
      'listeners.constructor.address',
    ])
  })
})

describe('sameConfig', () => {
  const text = (limit: number) => `
listeners: { a: { protocol: cache, address: 127.0.0.1:1, backend: b, maxClients: ${limit} } }
backends: { b: { protocol: cache, endpoints: [10.0.0.1:1] } }`

  it('sees a changed option, and only that', async () => {
    const before = await loadConfig([await write('before.yaml', text(1))], fakes)
    const again = await loadConfig([await write('again.yaml', text(1))], fakes)
    const after = await loadConfig([await write('after.yaml', text(2))], fakes)
    expect(sameConfig(before.config.listeners[0]!, again.config.listeners[0]!)).toBe(true)
    expect(sameConfig(before.config.listeners[0]!, after.config.listeners[0]!)).toBe(false)
    expect(sameConfig(before.config.backends[0]!, after.config.backends[0]!)).toBe(true)
  })
})

describe('interpolate', () => {
  it.each([
    ['${A}', 'x'],
    ['-${A}-${A}-', '-x-x-'],
    ['${B:-y}', 'y'],
    ['${EMPTY:-y}', 'y'],
    ['${EMPTY}', ''],
    ['${B:-}', ''],
    ['${B:-a:-b}', 'a:-b'],
    ['$${A}', '${A}'],
    ['$A $', '$A $'],
    ['${NESTED}', '${A}'],
  ])('%s becomes %s', (text, expected) => {
    expect(interpolate(text, { A: 'x', EMPTY: '', NESTED: '${A}' })).toEqual({ text: expected, failures: [] })
  })

  it.each(['${B}', '${}', '${A', '${A-B}', '${A:=b}', '${1}'])('%s fails', text => {
    expect(interpolate(text, { A: 'x' }).failures).toHaveLength(1)
  })
})

describe('nearest', () => {
  const names = ['listeners', 'backends', 'admin', 'log', 'tls']
  it.each([
    ['listner', 'listeners'],
    ['Backends', 'backends'],
    ['amdin', 'admin'],
    ['lgo', 'log'],
    ['tsl', 'tls'],
    ['shutdown', undefined],
    ['x', undefined],
  ])('of %s is %s', (written, expected) => expect(nearest(written, names)).toBe(expected))
})
