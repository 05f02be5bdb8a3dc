/** The parts of a relay: counted pumps, taps, and the memory that reads go to. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { adopt, Intake, Pump, RelayBuffers, reset } from '../../src/net/index.ts'
import { closed, readAll, until } from '../listeners/tcp/harness.ts'

let near: Socket
let far: Socket
const server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
beforeEach(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  far = connect((server.address() as AddressInfo).port, '127.0.0.1')
  ;[near] = (await once(server, 'connection')) as [Socket]
})
afterEach(() => {
  near.destroy()
  far.destroy()
  server.close()
})

test('a counted pump takes its bytes and leaves the rest', async () => {
  const tapped: string[] = []
  const pump = new Pump({ target: near, limit: 5, tap: bytes => tapped.push(String(bytes)), onDrained() {} })
  pump.push(Buffer.from('abc'), true)
  expect(pump.remaining).toBe(2)
  pump.push(Buffer.from('defgh'), true)
  expect(pump.remaining).toBe(0)
  expect(pump.bytes).toBe(5)
  pump.push(Buffer.from('more'), true)
  near.end()
  expect(String(await readAll(far))).toBe('abcde')
  expect(tapped).toEqual(['abc', 'de'])
})

test('a view that the kernel did not take whole is held until it has left', async () => {
  let drained = false
  const pump = new Pump({ target: near, onDrained: () => (drained = true) })
  const view = Buffer.alloc(256 * 1024, 'v')
  let count = 1
  while (pump.push(view, false)) count++
  expect(pump.full).toBe(true)
  await new Promise(resolve => setImmediate(resolve))
  expect(drained).toBe(false)
  const received = readAll(far)
  await until(() => drained)
  expect(pump.full).toBe(false)
  near.end()
  expect((await received).length).toBe(count * view.length)
})

test('writes go past the stream once one was seen, in order, and an end waits for them', async () => {
  const received = readAll(far)
  const pump = new Pump({ target: near, onDrained() {} })
  let sent = ''
  for (let i = 0; i < 2_000; i++) {
    const text = `${i},`.repeat(1 + (i % 500))
    sent += text
    pump.push(Buffer.from(text), true)
  }
  near.end()
  expect(String(await received)).toBe(sent)
  expect(near.bytesWritten).toBe(sent.length)
})

test('a write to a peer that has gone closes the socket with the reason', async () => {
  const pump = new Pump({ target: near, onDrained() {} })
  for (let i = 0; i < 2; i++) pump.push(Buffer.from('x'), true)
  const failed = once(near, 'error')
  reset(far)
  near.resume()
  await until(() => {
    pump.push(Buffer.from('x'), true)
    return near.destroyed
  })
  expect((await failed)[0]).toMatchObject({ code: expect.stringMatching(/^(EPIPE|ECONNRESET)$/) })
  expect(pump.push(Buffer.from('x'), true)).toBe(true)
})

test('owned memory may wait a little', async () => {
  const pump = new Pump({ target: near, onDrained() {} })
  while (!pump.full) pump.push(Buffer.alloc(256 * 1024), false)
  pump.push(Buffer.alloc(256 * 1024), false)
  expect(pump.push(Buffer.alloc(1), true)).toBe(false)
})

describe('an intake', () => {
  const taken: Buffer[] = []
  let goOn = true
  const sink = {
    push(bytes: Buffer, owned: boolean) {
      taken.push(owned ? bytes : Buffer.from(bytes))
      return goOn
    },
  }
  beforeEach(() => {
    taken.length = 0
    goOn = true
  })

  test('of an adopted connection reads it, and its end', async () => {
    const intake = new Intake(new RelayBuffers())
    intake.attach(sink)
    const adopted = adopt(near, intake.onread)!
    expect(adopted).not.toBeNull()
    adopted.resume()
    const sent = Buffer.alloc(3_000_000)
    for (let i = 0; i < sent.length; i++) sent[i] = i * 31
    far.end(sent)
    await once(adopted, 'end')
    expect(Buffer.concat(taken).equals(sent)).toBe(true)
    // Thin at first and at the end, large reads in between.
    expect(Math.max(...taken.map(chunk => chunk.length))).toBeGreaterThan(64 * 1024)
    adopted.destroy()
  })

  test('stops when told to and goes on when resumed', async () => {
    const intake = new Intake(new RelayBuffers())
    intake.attach(sink)
    const adopted = adopt(near, intake.onread)!
    goOn = false
    adopted.resume()
    far.write(Buffer.alloc(1_000_000, 'x'))
    await until(() => taken.length === 1)
    for (let i = 0; i < 20; i++) await new Promise(resolve => setImmediate(resolve))
    expect(taken.length).toBe(1)
    goOn = true
    intake.drained()
    adopted.resume()
    await until(() => Buffer.concat(taken).length === 1_000_000)
    adopted.destroy()
  })

  test('an adopted connection counts for its server until it closes', async () => {
    const connections = (): Promise<number> =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      )
    const adopted = adopt(near, new Intake(new RelayBuffers()).onread)!
    expect(await connections()).toBe(1)
    adopted.destroy()
    await once(adopted, 'close')
    expect(await connections()).toBe(0)
  })
})

describe('bytes that still have to leave are not overwritten', () => {
  const targets = new WeakMap<Intake, Buffer>()

  /** Plays what Node does: the bytes are put where it was told to when the read before was over, then the callback is called. */
  function read(intake: Intake, letter: string, length?: number): Buffer {
    const { buffer, callback } = intake.onread as {
      buffer: () => Buffer | undefined
      callback: (count: number, into: Buffer) => boolean
    }
    const into = targets.get(intake) ?? buffer()!
    const bytes = into.subarray(0, length ?? into.length).fill(letter)
    callback(bytes.length, into)
    targets.set(intake, buffer() ?? into)
    return into
  }

  test('by the next connection that reads into the shared buffer, whose own bytes are the ones it passes on', async () => {
    const buffers = new RelayBuffers()
    const [first, second] = [new Intake(buffers), new Intake(buffers)]
    const passed: string[] = []
    second.attach({ push: bytes => passed.push(String(bytes)) > 0 })
    read(second, 'b', 10)
    const pump = new Pump({ target: near, onDrained() {} })
    first.attach(pump)
    let sent = 0
    while (!pump.full) {
      read(first, 'a', 40_000)
      sent += 40_000
    }
    for (const letter of 'cde') read(second, letter, 10)
    const third = new Intake(buffers)
    third.attach({ push: bytes => passed.push(String(bytes)) > 0 })
    read(third, 'f', 10)
    near.end()
    expect((await readAll(far)).equals(Buffer.alloc(sent, 'a'))).toBe(true)
    expect(passed).toEqual(['b', 'c', 'd', 'e', 'f'].map(letter => letter.repeat(10)))
  })

  test('by the next read of the same stream, or by another that wants a large buffer', async () => {
    const buffers = new RelayBuffers()
    const [first, second] = [new Intake(buffers), new Intake(buffers)]
    const pump = new Pump({ target: near, onDrained: () => first.drained() })
    first.attach(pump)
    second.attach({ push: () => true })
    let held = read(first, 'a')
    while (!pump.full) held = read(first, 'a')
    expect(held.length).toBe(256 * 1024)
    const before = pump.bytes
    first.attach({ push: () => true })
    expect(read(first, 'b')).not.toBe(held)
    for (let i = 0; i < 3; i++) expect(read(second, 'b')).not.toBe(held)
    const received = readAll(far)
    await until(() => !pump.full)
    near.end()
    expect((await received).equals(Buffer.alloc(before, 'a'))).toBe(true)
    // Now it is free for others.
    expect(Array.from({ length: 4 }, () => buffers.take())).toContain(held)
  })
})

test('large buffers are limited in number, then the shared one serves', () => {
  const buffers = new RelayBuffers()
  const taken = Array.from({ length: 200 }, () => buffers.take()).filter(buffer => buffer !== null)
  expect(new Set(taken).size).toBe(128)
  expect(buffers.exhausted).toBe(true)
  for (const buffer of taken) buffers.give(buffer)
  expect(buffers.take()).not.toBeNull()
})

test('reset is seen as one', async () => {
  const end = closed(far)
  reset(near)
  expect(await end).toBe('ECONNRESET')
})
