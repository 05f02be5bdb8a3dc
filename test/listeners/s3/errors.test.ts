/** What an application is told of a failure: a code by which SDKs try again, or do not. */
import { expect, test } from 'vitest'
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
