/** A service that is away is known to be, and is read from elsewhere. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterEach, expect, test, vi } from 'vitest'
import { ManualClock } from '../../support/manual-clock.ts'
import { S3Rig } from '../../support/s3-rig.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function service(status: () => number): Promise<Server> {
  const server = createServer((_request, response) => response.writeHead(status()).end()).listen(0, '127.0.0.1')
  cleanups.push(() => server.close())
  await once(server, 'listening')
  return server
}

function endpointOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('counts as down after three failures in a row, and as up after one success', async () => {
  let status = 403
  let asked = 0
  const server = await service(() => {
    asked++
    return status
  })
  const clock = new ManualClock()
  const rig = new S3Rig(clock)
  cleanups.push(() => rig.close())
  const backend = await rig.backend('b', { endpoint: endpointOf(server) })
  await vi.waitFor(() => expect(backend.status().state).toBe('up'))
  status = 503
  for (let failures = 1; failures <= 3; failures++) {
    expect(backend.isDown).toBe(false)
    clock.advance(10_000)
    await vi.waitFor(() => expect(asked).toBe(1 + failures))
    await vi.waitFor(() => expect(backend.status().endpoints[0]!.lastError).toMatch(/status 503/))
  }
  await vi.waitFor(() => expect(backend.isDown).toBe(true))
  status = 403
  clock.advance(10_000)
  await vi.waitFor(() => expect(backend.isDown).toBe(false))
})

test('reads from the next backend while the first is away, and writes to no other', async () => {
  const server = await service(() => 503)
  const away = endpointOf(server)
  server.close()
  await once(server, 'close')
  const rig = new S3Rig()
  cleanups.push(() => rig.close())
  await rig.start()
  const copy = rig.client()
  await copy.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  await copy.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'k', Body: 'kept' }))
  await rig.backend('away', { endpoint: away, connectTimeout: '1s' })
  const routes = [{ buckets: ['bucket'], backend: 'away', readFallback: ['b'] }]
  expect(rig.listener.update({ ...rig.config({ routes }), address: { host: '127.0.0.1', port: 0 } })).toBe(true)
  const got = await copy.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'k' }))
  expect(await got.Body!.transformToString()).toBe('kept')
  const put = copy.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'k', Body: 'other' }))
  await expect(put).rejects.toThrow(expect.objectContaining({ name: 'ServiceUnavailable' }))
})
