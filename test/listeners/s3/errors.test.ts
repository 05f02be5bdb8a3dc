/** What an application is told of a failure: a code by which SDKs try again, or do not. */
import { once } from 'node:events'
import { expect, test, vi } from 'vitest'
import { s3ErrorOf } from '../../../listeners/s3/errors.ts'
import { ProxyError } from '../../../src/errors.ts'
import { RecordingService } from '../../support/recording-service.ts'
import { S3Rig } from '../../support/s3-rig.ts'

test.each([
  ['upstream-busy', true, 'SlowDown'],
  ['upstream-timeout', false, 'ServiceUnavailable'],
  ['upstream-connect', true, 'ServiceUnavailable'],
  ['upstream-closed', false, 'InternalError'],
])('%s (may run again: %s) is %s', (code, retryable, told) => {
  expect(s3ErrorOf(new ProxyError(code as never, 'why', { source: 'upstream', retryable }))).toMatchObject({
    code: told,
    message: 'why',
  })
})

test('one request more than may wait for a connection is answered SlowDown at once', async () => {
  const held: (() => void)[] = []
  let isFull = (): void => {}
  const full = new Promise<void>(resolve => (isFull = resolve))
  const service = await RecordingService.start(response => {
    held.push(() => response.end())
    isFull()
  })
  const rig = new S3Rig()
  try {
    const pool = { max: 1, maxWaiting: 1 }
    await rig.backend('b', { endpoint: service.url, pool, healthCheck: { interval: 0 } })
    await rig.start({ keys: [] })
    const ask = () => fetch(`http://127.0.0.1:${rig.port}/bucket/key`)
    const first = ask()
    await full
    // One of them waits, and whichever is the other does not.
    const others = [ask(), ask()]
    const refused = await Promise.race(others)
    expect(refused.status).toBe(503)
    expect(await refused.text()).toMatch(/<Code>SlowDown<.*1 requests wait for its 1 connections already/)
    service.answer = response => response.end()
    for (const end of held) end()
    expect((await first).status).toBe(200)
    expect((await Promise.all(others)).map(({ status }) => status).sort()).toEqual([200, 503])
  } finally {
    await rig.close()
    await service.close()
  }
})

test('one connection more than the listener takes is told so, and a place that was left can be taken', async () => {
  const rig = new S3Rig()
  try {
    await rig.start({ maxConnections: 2 })
    const get = 'GET /bucket/key HTTP/1.1\r\nhost: localhost\r\n\r\n'
    const taken = [rig.socket(), rig.socket()]
    for (const socket of taken) {
      socket.write(get)
      expect(String(await once(socket, 'data'))).toContain(' 403 ')
    }
    const answer = await rig.raw(get)
    expect(answer).toMatch(/^HTTP\/1\.1 503 .*^Connection: close.*<Code>SlowDown</ms)
    expect(rig.listener.status().connections).toBe(2)
    taken[0]!.destroy()
    await vi.waitFor(() => expect(rig.listener.status().connections).toBe(1))
    expect(await rig.raw(get, text => text.includes('</Error>'))).toContain(' 403 ')
  } finally {
    await rig.close()
  }
})

test('however many ask, the service has no more connections than the pool, and all are answered', async () => {
  // Answers three at a time, so that there have to be as many.
  const held: (() => void)[] = []
  const service = await RecordingService.start((response, { target }) => {
    held.push(() => response.end(target))
    if (held.length === 3) for (const end of held.splice(0)) end()
  })
  const rig = new S3Rig()
  try {
    await rig.backend('b', { endpoint: service.url, pool: { max: 3 }, healthCheck: { interval: 0 } })
    await rig.start({ keys: [] })
    const asked = Array.from({ length: 300 }, (_, at) => `/bucket/${at}`)
    const ask = async (target: string) => (await fetch(`http://127.0.0.1:${rig.port}${target}`)).text()
    expect(await Promise.all(asked.map(ask))).toEqual(asked)
    expect(service.connections).toBe(3)
  } finally {
    await rig.close()
    await service.close()
  }
})
