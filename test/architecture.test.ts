/** Who may import whom (CONTRIBUTING.md): reads every import line of the product and fails on any other direction. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const AREAS = ['codecs', 'listeners', 'src']
/** Known to src/main.ts only, which hands them on as values. */
const REGISTRIES = ['listeners/index.ts', 'src/backends/index.ts', 'src/components/index.ts']
const CODEC_BUILTINS = ['node:buffer', 'node:crypto', 'node:zlib']
/** Packages without I/O, so that a codec may use them. */
const PURE_PACKAGES: readonly string[] = []

/** Why the file may not import the target (a file of ours, a package or a builtin); undefined when it may. */
function objection(file: string, target: string, hasIndex: (folder: string) => boolean): string | undefined {
  const isOurs = AREAS.some(area => target.startsWith(`${area}/`))
  if (!isOurs) {
    if (!file.startsWith('codecs/') || [...CODEC_BUILTINS, ...PURE_PACKAGES].includes(target)) return undefined
    return 'a codec imports only buffer, crypto, zlib and pure packages'
  }
  if (file === 'src/main.ts' || REGISTRIES.includes(file)) return entered(file, target, hasIndex)
  if (REGISTRIES.includes(target)) return 'only src/main.ts imports the registries'
  return direction(file, target) ?? entered(file, target, hasIndex)
}

function direction(file: string, target: string): string | undefined {
  // What all codecs share is nobody's protocol.
  const codec = target === 'codecs/codec.ts' ? undefined : part(target, 'codecs')
  const backend = part(target, 'src/backends')
  const own = part(file, 'codecs') ?? part(file, 'listeners') ?? part(file, 'src/backends')
  if (file.startsWith('codecs/')) {
    if (!target.startsWith('codecs/')) return 'a codec imports only codecs'
    if (codec !== undefined && codec !== own) return 'a codec never imports another protocol'
    return undefined
  }
  if (target.startsWith('listeners/')) {
    if (!file.startsWith('listeners/')) return 'only src/main.ts imports listeners'
    if (part(target, 'listeners') !== own) return 'a listener never imports another listener'
  }
  const isComponent = file.startsWith('src/components/')
  if (codec !== undefined && codec !== own && !isComponent && !isTransport(file, codec)) {
    return 'only the protocol itself and components import a concrete codec'
  }
  if (backend !== undefined && backend !== own && !isComponent)
    return 'only the protocol itself and components import a backend'
  if (file.startsWith('listeners/') && target.startsWith('src/components/'))
    return 'a listener asks the runtime for components'
  return undefined
}

/**
 * What carries protocols belongs to none: the PROXY header precedes every one, so those who accept and dial read and
 * write it, and S3 is spoken over HTTP.
 */
function isTransport(file: string, codec: string): boolean {
  if (codec === 'proxy-protocol') return /^(src\/net|src\/backends|listeners)\//.test(file)
  if (codec === 'http2') return file.startsWith('listeners/grpc/')
  return codec === 'http1' && /^(src\/backends|listeners)\/s3\//.test(file)
}

/** A folder that has an index.ts is entered from outside by it only; those of the registries are no entrances. */
function entered(file: string, target: string, hasIndex: (folder: string) => boolean): string | undefined {
  for (let folder = dirname(target); folder !== '.'; folder = dirname(folder)) {
    const index = `${folder}/index.ts`
    if (file.startsWith(`${folder}/`) || REGISTRIES.includes(index) || !hasIndex(folder)) continue
    if (target !== index) return `${folder}/ is entered through its index.ts`
  }
  return undefined
}

/** The name that follows the folder in the path: `part('src/backends/redis/x.ts', 'src/backends')` is `redis`. */
function part(path: string, folder: string): string | undefined {
  return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1).split('/')[0] : undefined
}

/** What a file imports: ours as paths from the root, others by name. */
function importsOf(file: string, text: string): string[] {
  const lines = text.matchAll(/^(?:import|export)\b[^;'"]*?\bfrom '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm)
  return Array.from(lines, ([, from, bare, lazy]) => from ?? bare ?? lazy ?? '').map(name =>
    name.startsWith('.') ? normalize(join(dirname(file), name)) : name,
  )
}

const files = AREAS.flatMap(area =>
  readdirSync(join(ROOT, area), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => `${area}/${name}`),
)

test('every import goes in an allowed direction', () => {
  const hasIndex = (folder: string) => existsSync(join(ROOT, folder, 'index.ts'))
  const objections: string[] = []
  let count = 0
  for (const file of files) {
    for (const target of importsOf(file, readFileSync(join(ROOT, file), 'utf8'))) {
      count++
      const reason = objection(file, target, hasIndex)
      if (reason) objections.push(`${file} imports ${target}: ${reason}`)
    }
  }
  expect(objections).toEqual([])
  expect(count).toBeGreaterThan(files.length)
})

describe('the rules', () => {
  const hasIndex = (folder: string) => folder.includes('/') && folder !== 'src/net'

  test.each([
    ['codecs/redis/decoder.ts', 'node:net'],
    ['codecs/redis/decoder.ts', 'zod'],
    ['codecs/redis/decoder.ts', 'src/errors.ts'],
    ['codecs/redis/decoder.ts', 'codecs/mysql/index.ts'],
    ['src/config/load.ts', 'codecs/redis/index.ts'],
    ['src/config/load.ts', 'codecs/proxy-protocol/index.ts'],
    ['src/net/accept.ts', 'codecs/redis/index.ts'],
    ['codecs/s3/uri.ts', 'codecs/http1/index.ts'],
    ['src/net/accept.ts', 'codecs/http1/index.ts'],
    ['listeners/redis/session.ts', 'codecs/http1/index.ts'],
    ['src/app.ts', 'listeners/redis/index.ts'],
    ['src/admin/pages.ts', 'listeners/mysql/index.ts'],
    ['src/observability/operation-stats.ts', 'codecs/mysql/index.ts'],
    ['src/app.ts', 'listeners/index.ts'],
    ['listeners/index.ts', 'listeners/redis/session.ts'],
    ['src/app.ts', 'src/backends/index.ts'],
    ['src/app.ts', 'src/backends/redis/index.ts'],
    ['src/app.ts', 'src/config/load.ts'],
    ['src/backends/mysql/pool.ts', 'src/backends/redis/index.ts'],
    ['src/backends/mysql/pool.ts', 'codecs/redis/index.ts'],
    ['listeners/redis/session.ts', 'listeners/mysql/index.ts'],
    ['listeners/redis/session.ts', 'codecs/mysql/index.ts'],
    ['listeners/redis/session.ts', 'codecs/redis/decoder.ts'],
    ['listeners/redis/session.ts', 'src/backends/mysql/index.ts'],
    ['listeners/redis/session.ts', 'src/backends/redis/pool.ts'],
    ['listeners/grpc/handler.ts', 'src/components/lock/redis.ts'],
  ])('%s may not import %s', (file, target) => {
    expect(objection(file, target, hasIndex)).toBeDefined()
  })

  test.each([
    ['src/main.ts', 'listeners/index.ts'],
    ['src/main.ts', 'src/backends/index.ts'],
    ['listeners/index.ts', 'listeners/redis/index.ts'],
    ['src/backends/index.ts', 'src/backends/redis/index.ts'],
    ['codecs/redis/decoder.ts', 'node:buffer'],
    ['codecs/redis/decoder.ts', 'codecs/codec.ts'],
    ['codecs/redis/decoder.ts', 'codecs/redis/limits.ts'],
    ['src/backends/redis/pool.ts', 'codecs/redis/index.ts'],
    ['src/components/lock/redis.ts', 'src/backends/redis/index.ts'],
    ['src/components/lock/redis.ts', 'codecs/redis/index.ts'],
    ['listeners/redis/session.ts', 'codecs/redis/index.ts'],
    ['listeners/redis/session.ts', 'src/backends/redis/index.ts'],
    ['listeners/redis/session.ts', 'src/errors.ts'],
    ['listeners/redis/session.ts', 'src/net/accept.ts'],
    ['listeners/tcp/session.ts', 'codecs/proxy-protocol/index.ts'],
    ['listeners/s3/session.ts', 'codecs/http1/index.ts'],
    ['src/backends/s3/http/connection.ts', 'codecs/http1/index.ts'],
    ['src/config/load.ts', 'yaml'],
  ])('%s may import %s', (file, target) => {
    expect(objection(file, target, hasIndex)).toBeUndefined()
  })

  test('import lines of every form are read', () => {
    const text = [
      "import { a } from './a.ts'",
      "import type { B } from '../b.ts'",
      'import {',
      '  c,',
      "} from 'c'",
      "import 'd'",
      "export { e } from './e.ts'",
      "const f = await import('f')",
    ]
    const expected = ['src/x/a.ts', 'src/b.ts', 'c', 'd', 'src/x/e.ts', 'f']
    expect(importsOf('src/x/y.ts', text.join('\n'))).toEqual(expected)
  })
})
