import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { LiveSecret, type LiveSecretOptions, type SecretRef } from '../../src/config/index.ts'
import { silentLogger } from '../../src/observability/logger.ts'
import { systemClock } from '../../src/protocol.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { until } from '../support/portolan.ts'

let folder: string
let file: string
const opened: LiveSecret[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portolan-live-'))
  file = join(folder, 'secret')
  await write('one')
})
afterEach(async () => {
  for (const secret of opened.splice(0)) secret.close()
  await rm(folder, { recursive: true })
})

/** By rename, so that nobody reads half of it. */
async function write(content: string): Promise<void> {
  await writeFile(`${file}.new`, content, { mode: 0o600 })
  await rename(`${file}.new`, file)
}

function open(ref: SecretRef, options: Partial<LiveSecretOptions> = {}): LiveSecret {
  const secret = new LiveSecret(ref, { name: 'a secret', logger: silentLogger, clock: systemClock, ...options })
  opened.push(secret)
  return secret
}

const command = (refreshMs?: number): SecretRef => ({
  command: ['cat', file],
  ...(refreshMs === undefined ? {} : { refreshMs }),
})

it('without a lifetime is read each time', async () => {
  const secret = open(command())
  expect(await secret.read()).toBe('one')
  await write('two')
  expect(await secret.read()).toBe('two')
})

it('of a command is good for the time of refresh, then the command runs again by itself', async () => {
  const clock = new ManualClock()
  const seen: string[] = []
  const secret = open(command(60_000), { clock, onChange: value => seen.push(value) })
  await secret.read()
  await write('two')
  clock.advance(59_999)
  expect(await secret.read()).toBe('one')
  clock.advance(1)
  await until(() => seen.length > 0)
  expect(seen).toEqual(['two'])
  expect(secret.value).toBe('two')
})

it('stays when a refresh fails, which is logged and tried again', async () => {
  const clock = new ManualClock()
  const warnings: string[] = []
  const logger = { ...silentLogger, warn: (_: unknown, message: string) => void warnings.push(message) }
  const secret = open(command(60_000), { clock, logger })
  await secret.read()
  await rm(file)
  clock.advance(60_000)
  await until(() => warnings.length > 0)
  expect(await secret.read()).toBe('one')
  expect(warnings).toEqual(['a secret cannot be read again; the last one stays in use'])
  await write('two')
  clock.advance(5000)
  await until(() => secret.value === 'two')
})

it('is read anew once it is told to have expired', async () => {
  const secret = open(command(60_000))
  await secret.read()
  await write('two')
  expect(await secret.read()).toBe('one')
  secret.expire()
  expect(await secret.read()).toBe('two')
})

it('that could never be read rejects', async () => {
  await rm(file)
  await expect(open({ file }).read()).rejects.toThrow(`${file} cannot be read (ENOENT)`)
})

it('in a file is noticed when it changes', async () => {
  const seen: string[] = []
  await open({ file }, { onChange: value => seen.push(value) }).read()
  await write('two')
  await until(() => seen.length > 0)
  expect(seen).toEqual(['two'])
})

it('is read once for all who ask at the same time', async () => {
  const log = join(folder, 'log')
  const secret = open({ command: ['sh', '-c', 'echo ran >> "$0"; cat "$1"', log, file] })
  expect(await Promise.all([secret.read(), secret.read(), secret.read()])).toEqual(['one', 'one', 'one'])
  expect(await readFile(log, 'utf8')).toBe('ran\n')
})
