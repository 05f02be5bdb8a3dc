import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { build } from 'esbuild'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { Client } from './harness.ts'
import { bodyOf, keyOf } from './writer-content.ts'

const folder = mkdtempSync(join(tmpdir(), 'portolan-s3-crash-'))
const program = join(folder, 'writer.mjs')
const children: ChildProcess[] = []
beforeAll(async () => {
  const entry = join(import.meta.dirname, 'writer-process.ts')
  await build({ entryPoints: [entry], bundle: true, platform: 'node', format: 'esm', outfile: program })
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function write(directory: string, count: number): { child: ChildProcess; lines: AsyncIterable<string> } {
  const child = spawn(process.execPath, [program, directory, String(count)], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  return { child, lines: createInterface({ input: child.stdout! }) }
}

test('kill -9 among a thousand writes: each object is whole, as its writer was told or newer', async () => {
  const directory = join(folder, 'killed')
  const stored = new Map<string, number>()
  for (const after of [40, 300, 650]) {
    const { child, lines } = write(directory, 1_000)
    const exit = once(child, 'exit')
    let count = 0
    for await (const line of lines) {
      const [, key, version] = /^(key \d+) (\d+)$/.exec(line)!
      stored.set(key!, Number(version))
      // What has been said until the process is gone counts as well.
      if (++count === after) child.kill('SIGKILL')
    }
    expect(await exit).toEqual([null, 'SIGKILL'])
    const client = new Client(directory)
    await client.store.start()
    try {
      const { keys } = await client.list('box')
      for (const key of stored.keys()) expect(keys).toContain(key)
      for (const key of keys) {
        const got = await client.get('box', key)
        const version = Number(got.headers['x-amz-meta-version'])
        expect(got.body.equals(bodyOf(version)), `${key} is version ${version}`).toBe(true)
        if (key.endsWith('-source')) continue
        expect(keyOf(version)).toBe(key)
      }
      // A round begins anew, so that only what it has said itself tells what is there at least.
      for (const [key, version] of stored) {
        expect(Number((await client.get('box', key)).headers['x-amz-meta-version'])).toBeGreaterThanOrEqual(version)
      }
      expect(readdirSync(join(directory, 'tmp'))).toEqual([])
      await noLeftovers(client)
      for (const key of keys) await client.ask('DELETE', 'box', { key })
      stored.clear()
    } finally {
      await client.store.close(1_000)
    }
  }
})

/** Every body belongs to an object: with the objects go the bodies. */
async function noLeftovers(client: Client): Promise<void> {
  const { keys } = await client.list('box')
  const bodies = readdirSync(join(client.directory, 'buckets', 'box', 'bodies'))
  expect(bodies.length).toBeLessThanOrEqual(keys.length)
}

test('a directory that another process has open is not opened', async () => {
  const directory = join(folder, 'held')
  const { lines } = write(directory, 1_000_000)
  for await (const _ of lines) break
  const client = new Client(directory)
  await expect(client.store.start()).rejects.toThrow(/in use by another Portolan/)
  const second = write(directory, 1)
  for await (const line of second.lines) {
    expect(line).toMatch(/in use by another Portolan/)
    break
  }
})

test('what a crash may leave is swept at the start, and what belongs to something is not', async () => {
  const client = new Client(join(folder, 'swept'))
  await client.store.start()
  await client.ask('PUT', 'box')
  const upload = (await client.ask('POST', 'box', { key: 'up', query: { uploads: '' } })).xml.textOf('UploadId')!
  await client.put('box', 'up', 'part', { query: { uploadId: upload, partNumber: 1 } })
  await client.put('box', 'large', Buffer.alloc(1024 * 1024))
  await client.ask('PUT', 'box', { key: 'copy', headers: { 'x-amz-copy-source': 'box/large' } })
  await client.store.close(0)
  const bodies = join(client.directory, 'buckets', 'box', 'bodies')
  const kept = readdirSync(bodies)
  // A draft, a body without a record, and one whose object never came to be.
  writeFileSync(join(client.directory, 'tmp', 'draft'), 'half')
  mkdirSync(join(bodies, '0'.repeat(32)))
  writeFileSync(join(bodies, '0'.repeat(32), '1'), 'half')
  rmSync(join(client.directory, 'buckets', 'box', 'objects', 'copy'))
  await client.reopen()
  expect(readdirSync(join(client.directory, 'tmp'))).toEqual([])
  const left = readdirSync(bodies)
  expect(left).toEqual([upload])
  expect(kept).toHaveLength(2)
  expect((await client.get('box', 'up', { query: { uploadId: upload } })).xml.all('Part')).toHaveLength(1)
  await client.store.close(0)
})

test('a completed upload whose crash left it open is closed, not aborted', async () => {
  const client = new Client(join(folder, 'settled'))
  await client.store.start()
  await client.ask('PUT', 'box')
  const id = (await client.ask('POST', 'box', { key: 'up', query: { uploads: '' } })).xml.textOf('UploadId')!
  const { headers } = await client.put('box', 'up', 'part', { query: { uploadId: id, partNumber: 1 } })
  // The moment before the record of the upload becomes that of its owner.
  const bucket = join(client.directory, 'buckets', 'box')
  mkdirSync(join(bucket, 'bodies', id, 'owner'))
  const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${headers['etag']}</ETag></Part></CompleteMultipartUpload>`
  expect((await client.ask('POST', 'box', { key: 'up', query: { uploadId: id }, body })).code).toBe('InternalError')
  rmSync(join(bucket, 'bodies', id, 'owner'), { recursive: true })
  expect(existsSync(join(bucket, 'bodies', id, 'upload'))).toBe(true)
  await client.reopen()
  expect((await client.get('box', 'up')).text).toBe('part')
  const aborted = await client.ask('DELETE', 'box', { key: 'up', query: { uploadId: id } })
  expect(aborted.code).toBe('NoSuchUpload')
  expect((await client.get('box', 'up')).text).toBe('part')
  await client.store.close(0)
})

test('a directory with files of others is refused', async () => {
  const directory = join(folder, 'others')
  mkdirSync(directory)
  writeFileSync(join(directory, 'thesis.txt'), 'x')
  await expect(new Client(directory).store.start()).rejects.toThrow(/holds other files \(thesis.txt\)/)
  expect(readdirSync(directory)).toEqual(['thesis.txt'])
})
