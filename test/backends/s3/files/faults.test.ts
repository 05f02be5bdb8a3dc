import { appendFileSync, mkdirSync, readdirSync, readlinkSync, rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { nameOfKey } from '../../../../src/backends/s3/files/key-name.ts'
import type { StoreExchange } from '../../../../src/backends/s3/store.ts'
import { smallDisk } from '../../../support/small-disk.ts'
import { Client, Recorder } from './harness.ts'

const MIB = 1024 * 1024

let client: Client
beforeAll(async () => {
  client = await Client.started()
  await client.ask('PUT', 'box')
})

const drafts = () => readdirSync(join(client.directory, 'tmp'))

/** Resolves when all that the store has under way is done: it answers in no order, but ends what was aborted first. */
async function settled(condition: () => boolean): Promise<void> {
  while (!condition()) await client.list('box')
}

function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap(fd => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`)
      return path.startsWith(client.directory) ? [path] : []
    } catch {
      return []
    }
  })
}

describe('an aborted request', () => {
  test.each([0, 1, 3 * MIB])('stores nothing after %i bytes', async sent => {
    const exchange = await new Promise<StoreExchange>(resolve => {
      const recorder = new Recorder(resolve)
      recorder.onHead = () => expect.unreachable()
      recorder.onFailed = () => expect.unreachable()
      const request = client.request('PUT', 'box', { key: 'aborted', pieces: 1 }, Buffer.alloc(4 * MIB))
      recorder.exchange = client.store.open(request, recorder)
    })
    if (sent > 0) exchange.write(Buffer.alloc(sent), false)
    await settled(() => drafts().length === 1)
    exchange.abort()
    exchange.write(Buffer.alloc(1), false)
    exchange.end(undefined)
    await settled(() => drafts().length === 0)
    expect((await client.get('box', 'aborted')).status).toBe(404)
  })

  test('closes what it was reading', async () => {
    await client.put('box', 'long', Buffer.alloc(4 * MIB))
    const recorder = new Recorder()
    const started = new Promise<void>(resolve => {
      recorder.onData = () => {
        resolve()
        return false
      }
    })
    recorder.onEnd = () => expect.unreachable()
    recorder.exchange = client.store.open(client.request('GET', 'box', { key: 'long' }, Buffer.alloc(0)), recorder)
    await started
    expect(openFiles().filter(path => path.endsWith('objects/long'))).toHaveLength(1)
    recorder.exchange.abort()
    await settled(() => openFiles().every(path => !path.endsWith('objects/long')))
  })
})

describe('back-pressure', () => {
  test('a writer is stopped by what waits, and goes on', async () => {
    let accepted = 0
    let waits = 0
    const piece = Buffer.alloc(64 * 1024, 'x')
    const recorder = new Recorder(exchange => {
      while (accepted < 20 * MIB) {
        accepted += piece.length
        if (exchange.write(piece, false)) continue
        waits++
        return
      }
      exchange.end(undefined)
    })
    const perWait: number[] = []
    const onDrain = recorder.onDrain.bind(recorder)
    recorder.onDrain = () => {
      const before = accepted
      onDrain()
      perWait.push(accepted - before)
    }
    const request = client.request('PUT', 'box', { key: 'pressed', pieces: 1 }, Buffer.alloc(20 * MIB))
    recorder.exchange = client.store.open(request, recorder)
    expect((await recorder.answer).status).toBe(200)
    expect(waits).toBeGreaterThan(10)
    expect(Math.max(...perWait)).toBeLessThanOrEqual(MIB)
    expect((await client.ask('HEAD', 'box', { key: 'pressed' })).status).toBe(200)
  })

  test('a reader that takes no more gets no more, and may see the bytes until it does', async () => {
    const body = Buffer.concat(Array.from({ length: 16 }, (_, i) => Buffer.alloc(128 * 1024, String(i))))
    await client.put('box', 'slow', body)
    const pieces: Buffer[] = []
    const got: Buffer[] = []
    const recorder = new Recorder()
    let arrive: () => void = () => {}
    recorder.onData = bytes => {
      pieces.push(bytes)
      arrive()
      return false
    }
    const ended = new Promise<void>(resolve => {
      recorder.onEnd = resolve
    })
    let arrived = new Promise<void>(resolve => {
      arrive = resolve
    })
    recorder.exchange = client.store.open(client.request('GET', 'box', { key: 'slow' }, Buffer.alloc(0)), recorder)
    for (let length = 0; length < body.length; ) {
      await arrived
      await client.list('box')
      expect(pieces).toHaveLength(1)
      got.push(Buffer.from(pieces.pop()!))
      length += got.at(-1)!.length
      arrived = new Promise(resolve => {
        arrive = resolve
      })
      recorder.exchange.resume()
    }
    await ended
    expect(Buffer.concat(got).equals(body)).toBe(true)
  })
})

describe('a damaged file', () => {
  test('is no object, says so, and can be replaced', async () => {
    await client.put('box', 'cut', Buffer.alloc(100_000, 'x'))
    const file = join(client.directory, 'buckets', 'box', 'objects', 'cut')
    truncateSync(file, 50_000)
    expect((await client.get('box', 'cut')).code).toBe('InternalError')
    expect((await client.put('box', 'cut', 'new')).status).toBe(200)
    appendFileSync(file, 'x')
    expect((await client.get('box', 'cut')).code).toBe('InternalError')
    expect((await client.ask('DELETE', 'box', { key: 'cut' })).status).toBe(204)
    expect((await client.get('box', 'cut')).status).toBe(404)
  })

  test('takes neither the listing of others nor the next start with it', async () => {
    const long = 'long '.repeat(100)
    for (const key of ['sound', 'hurt', long]) await client.put('box', key, Buffer.alloc(MIB))
    for (const key of ['hurt', long]) {
      await client.ask('PUT', 'box', { key: `${key} copy`, headers: { 'x-amz-copy-source': `box/${key}` } })
      const objects = join(client.directory, 'buckets', 'box', 'objects')
      for (const name of [key, `${key} copy`]) truncateSync(join(objects, nameOfKey(name)), 10)
    }
    await client.reopen()
    const { keys } = await client.list('box')
    expect(keys).toContain('sound')
    expect(keys.filter(key => /hurt|long /.test(key))).toEqual([])
    for (const key of ['hurt', long]) {
      expect((await client.get('box', key)).code).toBe('InternalError')
      for (const name of [key, `${key} copy`]) await client.ask('DELETE', 'box', { key: name })
    }
    await client.reopen()
    // Whose bodies are without an object are swept, as after a crash.
    expect(readdirSync(join(client.directory, 'buckets', 'box', 'bodies'))).toEqual([])
  })

  test('whose bytes end too early is never sent as if it were whole', async () => {
    await client.put('box', 'large', Buffer.alloc(MIB, 'x'))
    await client.ask('PUT', 'box', { key: 'broken', headers: { 'x-amz-copy-source': 'box/large' } })
    const bodies = join(client.directory, 'buckets', 'box', 'bodies')
    rmSync(join(bodies, readdirSync(bodies)[0]!, '1'))
    await expect(client.get('box', 'broken')).rejects.toMatchObject({ name: 'ProxyError', code: 'store-failed' })
  })
})

describe('closing', () => {
  test('waits for what is under way, and cuts what does not end', async () => {
    const other = new Client()
    await other.store.start()
    await other.ask('PUT', 'box')
    const put = other.put('box', 'a', Buffer.alloc(5 * MIB), { pieces: 10_000 })
    const hanging = new Recorder(() => {})
    hanging.exchange = other.store.open(other.request('PUT', 'box', { key: 'b', pieces: 1 }, Buffer.alloc(1)), hanging)
    const cut = expect(hanging.answer).rejects.toMatchObject({ code: 'closed' })
    expect((await put).status).toBe(200)
    await other.store.close(1)
    await cut
    await expect(other.get('box', 'a')).rejects.toMatchObject({ name: 'ProxyError' })
    const later = new Client(other.directory)
    await later.store.start()
    expect((await later.list('box')).keys).toEqual(['a'])
    await later.store.close(0)
    rmSync(other.directory, { recursive: true })
  })

  test('of one store leaves the directory to another of this process', async () => {
    const [first, second] = [new Client(), undefined as unknown as Client]
    await first.store.start()
    const next = second ?? new Client(first.directory)
    await next.store.start()
    await first.ask('PUT', 'box')
    await first.store.close(0)
    expect((await next.put('box', 'a', 'x')).status).toBe(200)
    await next.store.close(0)
    rmSync(first.directory, { recursive: true })
  })
})

const disk = smallDisk(3)

test.skipIf(disk === undefined)('a full disk is said to be full, and what fails leaves nothing behind', async () => {
  const directory = join(disk!, 'data')
  mkdirSync(directory)
  const small = new Client(directory)
  await small.store.start()
  await small.ask('PUT', 'box')
  expect((await small.put('box', 'fits', Buffer.alloc(MIB))).status).toBe(200)
  const upload = (await small.ask('POST', 'box', { key: 'up', query: { uploads: '' } })).xml.textOf('UploadId')!
  for (let round = 0; round < 3; round++) {
    const full = await small.put('box', 'fits', Buffer.alloc(4 * MIB), { pieces: 100_000 })
    expect([full.status, full.code]).toEqual([507, 'InsufficientStorage'])
    const part = { query: { uploadId: upload, partNumber: 1 }, pieces: 100_000 }
    expect((await small.put('box', 'up', Buffer.alloc(4 * MIB), part)).code).toBe('InsufficientStorage')
    expect(readdirSync(join(directory, 'tmp'))).toEqual([])
  }
  expect((await small.get('box', 'fits')).body.equals(Buffer.alloc(MIB))).toBe(true)
  expect((await small.put('box', 'small', 'still')).status).toBe(200)
  await small.store.close(0)
})
