import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readSecret } from '../../src/config/index.ts'
import { ProxyError } from '../../src/errors.ts'

let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'portolan-secrets-'))))
afterAll(() => rm(folder, { recursive: true }))

async function failureOf(promise: Promise<string>): Promise<string> {
  const error = await promise.then(
    value => expect.fail(`read ${value}`),
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(ProxyError)
  return (error as ProxyError).message
}

async function file(name: string, content: string, mode = 0o600): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  await chmod(path, mode)
  return path
}

describe('environment', () => {
  it('is read when asked', async () => expect(await readSecret({ env: 'A' }, { A: 'hunter2' })).toBe('hunter2'))
  it('names a missing variable', async () =>
    expect(await failureOf(readSecret({ env: 'A' }, {}))).toContain('A is not'))
  it('names an empty one', async () =>
    expect(await failureOf(readSecret({ env: 'A' }, { A: '' }))).toContain('A is empty'))
})

describe('file', () => {
  it.each([
    ['hunter2', 'hunter2'],
    ['hunter2\n', 'hunter2'],
    ['hunter2\r\n', 'hunter2'],
    [' a\nb \n\n', ' a\nb \n'],
  ])('%j loses one newline at most', async (content, secret) => {
    expect(await readSecret({ file: await file('secret', content) })).toBe(secret)
  })

  it('is named when it is missing', async () => {
    const path = join(folder, 'nowhere')
    expect(await failureOf(readSecret({ file: path }))).toBe(
      `${path} cannot be read (ENOENT); write the secret into it, or correct the path`,
    )
  })

  it('is refused when it is empty', async () => {
    expect(await failureOf(readSecret({ file: await file('empty', '\n') }))).toContain('is empty')
  })

  it('is refused when it is a folder', async () => {
    expect(await failureOf(readSecret({ file: folder }))).toContain('cannot be read')
  })

  // Files of root are taken as they are, so this shows only as somebody else.
  it.runIf(process.getuid?.() !== 0)('is refused when everybody can read it, with the way out', async () => {
    const path = await file('open', 'hunter2', 0o644)
    expect(await failureOf(readSecret({ file: path }))).toBe(
      `${path} can be read by every user of this machine; run: chmod 600 ${path}`,
    )
  })

  it.runIf(process.getuid?.() === 0)('of root is taken with any mode, as Kubernetes mounts it', async () => {
    expect(await readSecret({ file: await file('mounted', 'hunter2', 0o644) })).toBe('hunter2')
  })
})

describe('command', () => {
  const node = (script: string) => ({ command: [process.execPath, '-e', script] })

  it('gives its output', async () => expect(await readSecret(node('console.log("hunter2")'))).toBe('hunter2'))

  it.each([
    ['process.stdout.write("hunter2"); console.error("hunter2"); process.exit(3)', 'ended with exit code 3'],
    ['', 'printed nothing'],
    ['process.stdout.write("hunter2"); process.kill(process.pid, "SIGTERM"); setTimeout(() => {}, 9e9)', 'SIGTERM'],
  ])('that fails is named, without what it printed: %s', async (script, words) => {
    const message = await failureOf(readSecret(node(script)))
    expect(message).toContain(words)
    expect(message).not.toContain('hunter2')
  })

  it('that does not exist is named', async () => {
    const message = await failureOf(readSecret({ command: ['/nowhere/vault', 'hunter2'] }))
    expect(message).toBe('command /nowhere/vault could not be started (ENOENT)')
  })
})
