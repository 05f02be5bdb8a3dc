/** Binding: errors that name the way out, unix sockets, refusals in the protocol's words. */

import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Address } from '../../src/config/index.ts'
import { type Bound, type ListenSink, listen } from '../../src/net/index.ts'
import { silentLogger } from '../../src/observability/logger.ts'
import { Metrics } from '../../src/observability/metrics.ts'
import { readAll, until } from '../listeners/tcp/harness.ts'

let folder: string
const bound: Bound[] = []
const sockets: Socket[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portolan-listen-'))
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const each of bound.splice(0)) await each.close()
  rmSync(folder, { recursive: true, force: true })
})

const keep: ListenSink = {
  onConnection({ socket }) {
    sockets.push(socket)
    return socket
  },
}

async function open(address: Address, sink = keep, maxConnections = 10): Promise<Bound> {
  const limits = { maxConnections, handshakeTimeoutMs: 1_000 }
  const result = await listen({ name: 'l', address, logger: silentLogger, metrics: new Metrics(), limits }, sink)
  bound.push(result)
  return result
}

const local: Address = { host: '127.0.0.1', port: 0 }
const portOf = ({ address }: Bound): number => Number(address.split(':').at(-1))

async function dial(target: { port: number } | { path: string }): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', ...target })
  sockets.push(socket)
  await once(socket, 'connect')
  return socket
}

describe('what cannot be bound', () => {
  test('a taken port', async () => {
    const first = await open(local)
    const taken = { host: '127.0.0.1', port: portOf(first) }
    await expect(open(taken)).rejects.toMatchObject({ code: 'listen-address-in-use' })
    await expect(open(taken)).rejects.toThrow(first.address)
  })

  test('an address of another machine', async () => {
    await expect(open({ host: '192.0.2.1', port: 0 })).rejects.toMatchObject({ code: 'listen-address-unavailable' })
  })

  test('a name that does not exist', async () => {
    await expect(open({ host: 'no.such.host.invalid', port: 0 })).rejects.toMatchObject({
      code: expect.stringMatching(/^listen-/),
    })
  })

  test('a unix socket in a folder that does not exist', async () => {
    await expect(open({ path: join(folder, 'no', 'sock') })).rejects.toMatchObject({
      code: expect.stringMatching(/^listen-/),
    })
  })
})

describe('unix sockets', () => {
  test('are for the user and the group, and gone when closed', async () => {
    const path = join(folder, 'sock')
    const door = await open({ path })
    expect(door.address).toBe(path)
    expect(statSync(path).mode & 0o777).toBe(0o660)
    await dial({ path })
    await until(() => door.connections === 1)
    await door.close()
    expect(() => statSync(path)).toThrow(/ENOENT/)
  })

  test('one that a dead process left is replaced', async () => {
    const path = join(folder, 'sock')
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
    spawnSync(process.execPath, ['-e', script])
    expect(statSync(path).isSocket()).toBe(true)
    await open({ path })
    await dial({ path })
  })

  test('one that answers is left alone', async () => {
    const path = join(folder, 'sock')
    await open({ path })
    await expect(open({ path })).rejects.toMatchObject({ code: 'listen-address-in-use' })
    await dial({ path })
  })

  test('a file that is no socket is left alone', async () => {
    const path = join(folder, 'file')
    writeFileSync(path, 'precious')
    await expect(open({ path })).rejects.toMatchObject({ code: 'listen-address-in-use' })
    expect(statSync(path).isFile()).toBe(true)
  })
})

test('a connection too many is refused in the words of the protocol', async () => {
  const sink = { ...keep, refuse: (socket: Socket) => void socket.end('-ERR max number of clients reached\r\n') }
  const door = await open(local, sink, 1)
  await dial({ port: portOf(door) })
  await until(() => door.connections === 1)
  const second = await dial({ port: portOf(door) })
  // What it sent meanwhile must not turn the refusal into a reset.
  second.write('PING\r\n'.repeat(100))
  expect((await readAll(second)).toString()).toBe('-ERR max number of clients reached\r\n')
  expect(door.connections).toBe(1)
})

test('closing frees the address although connections go on', async () => {
  const door = await open(local)
  const port = portOf(door)
  const client = await dial({ port })
  await until(() => door.connections === 1)
  await door.close()
  const next = createServer().listen(port, '127.0.0.1')
  await once(next, 'listening')
  next.close()
  client.write('x')
  const [accepted] = sockets.filter(socket => socket !== client)
  accepted!.resume()
  const [chunk] = await once(accepted!, 'data')
  expect(String(chunk)).toBe('x')
})
