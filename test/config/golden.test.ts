/**
 * Configuration files beside what they must come to: good ones to the checked configuration, bad ones to the text that
 * the user reads. Those in redis/ and s3/ are bad ones for the real protocols; the others know fakes only. `# env: NAME=value` lines set variables; `x.2.yaml` is a second -c. UPDATE_GOLDEN=1 rewrites.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { redis } from '../../listeners/redis/index.ts'
import { s3 } from '../../listeners/s3/index.ts'
import { redisBackendKind } from '../../src/backends/redis/index.ts'
import { s3BackendKind } from '../../src/backends/s3/index.ts'
import { ConfigError, loadConfig, renderProblems } from '../../src/config/index.ts'
import { fakes } from './fakes.ts'

const real = { protocols: [redis, s3], backendKinds: [redisBackendKind, s3BackendKind], componentKinds: [] }

const ROOT = 'test/golden/config'

function casesOf(folder: string): string[] {
  const files = readdirSync(join(ROOT, folder))
  return files.filter(file => /^[^.]+\.yaml$/.test(file)).map(file => file.replace('.yaml', ''))
}

function load(folder: string, name: string) {
  const files = [join(ROOT, folder, `${name}.yaml`), join(ROOT, folder, `${name}.2.yaml`)].filter(existsSync)
  const env: Record<string, string> = {}
  for (const [, key, value] of readFileSync(files[0]!, 'utf8').matchAll(/^# env: (\w+)=(.*)$/gm)) env[key!] = value!
  return loadConfig(files, folder === 'bad' || folder === 'good' ? fakes : real, env)
}

function expectGolden(file: string, actual: string): void {
  if (process.env['UPDATE_GOLDEN']) writeFileSync(file, actual)
  expect(actual).toBe(readFileSync(file, 'utf8'))
}

const withoutFolder = (text: string) => text.replaceAll(/test\/golden\/config\/\w+\//g, '')

describe('good configurations', () => {
  it.each(casesOf('good'))('%s', async name => {
    const { config, warnings } = await load('good', name)
    const shown = { ...config, ...(warnings.length ? { warnings: renderProblems(warnings).split('\n') } : {}) }
    expectGolden(join(ROOT, 'good', `${name}.json`), withoutFolder(`${JSON.stringify(shown, null, 2)}\n`))
  })
})

describe('bad configurations', () => {
  it('are many', () => expect(casesOf('bad').length).toBeGreaterThanOrEqual(25))

  it.each(['bad', 'redis', 's3'].flatMap(folder => casesOf(folder).map(name => [folder, name] as const)))(
    '%s/%s',
    async (folder, name) => {
      const error = await load(folder, name).then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(error).toBeInstanceOf(ConfigError)
      // Every secret in these files begins so.
      expect((error as ConfigError).message).not.toMatch(/hunter/)
      expectGolden(join(ROOT, folder, `${name}.txt`), withoutFolder(`${(error as ConfigError).message}\n`))
    },
  )
})
