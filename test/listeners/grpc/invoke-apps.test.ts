/** Calls of applications by their id: Dapr's InvokeService, gRPC of any kind, and HTTP. */
import { Metadata, status } from '@grpc/grpc-js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { GrpcListener } from '../../../listeners/grpc/listener.ts'
import { appsInvoke } from '../../../src/components/invoke/apps.ts'
import { Metrics } from '../../../src/observability/metrics.ts'
import { startGrpcEcho, startHttpEcho } from '../../support/echo-apps.ts'
import { GrpcRig } from './rig.ts'

const DAPR = 'dapr.proto.runtime.v1.Dapr'
let http: Awaited<ReturnType<typeof startHttpEcho>>
let grpc: Awaited<ReturnType<typeof startGrpcEcho>>
let rig: GrpcRig
let metrics: Metrics

beforeEach(async () => {
  metrics = new Metrics()
  http = await startHttpEcho()
  grpc = await startGrpcEcho()
  const apps = {
    web: { address: http.address, protocol: 'http' },
    rpc: { address: grpc.address, protocol: 'grpc' },
    away: { address: '127.0.0.1:1', protocol: 'grpc' },
  }
  rig = await GrpcRig.start({
    kinds: [appsInvoke],
    components: { apps: { api: 'invoke', type: 'apps', options: { apps } } },
    listener: { http: '127.0.0.1:0' },
    metrics,
  })
})
afterEach(async () => {
  await rig.close()
  await Promise.all([http.close(), grpc.close()])
})

describe('InvokeService', () => {
  const invoke = (id: string, method: string, more: object = {}) =>
    rig.call(DAPR, 'InvokeService', { id, message: { method, ...more } })

  it('requests a path over HTTP', async () => {
    const answer = await invoke('web', 'status/200', {
      data: { value: Buffer.from('{}') },
      content_type: 'application/json',
      http_extension: { verb: 4, querystring: 'a=b' },
    })
    expect(answer).toMatchObject({ content_type: 'application/json' })
    expect(String((answer['data'] as { value: Buffer }).value)).toBe('{}')
  })

  it('calls OnInvoke of an application that speaks gRPC', async () => {
    const answer = await invoke('rpc', 'anything')
    expect(answer).toMatchObject({ content_type: 'text/x' })
    expect(String((answer['data'] as { value: Buffer }).value)).toBe('invoked')
  })

  it.each([
    ['web', 'status/404', status.NOT_FOUND],
    ['web', 'status/503', status.UNAVAILABLE],
    ['other', 'x', status.NOT_FOUND],
    ['away', 'x', status.UNAVAILABLE],
  ])('of %s %s is an error', async (id, method, code) => {
    await expect(invoke(id, method)).rejects.toMatchObject({ code })
  })
})

describe('gRPC of any kind', () => {
  const asIs = (message: Buffer) => message
  const metadataFor = (app: string | undefined) => {
    const metadata = new Metadata()
    if (app) metadata.set('dapr-app-id', app)
    metadata.set('x-tried', 'yes')
    metadata.set('dapr-api-token', 'secret')
    return metadata
  }
  const unary = (app: string | undefined, message: Buffer) =>
    new Promise<Buffer>((resolve, reject) => {
      const limits = { deadline: Date.now() + 10_000 }
      rig.client.makeUnaryRequest(
        '/any.Service/Unary',
        asIs,
        asIs,
        message,
        metadataFor(app),
        limits,
        (error, value) => (error ? reject(error) : resolve(value!)),
      )
    })

  it('hands a message on and its answer back', async () => {
    const message = Buffer.alloc(1_000_000, 'x')
    expect((await unary('rpc', message)).equals(message)).toBe(true)
  })

  it('streams both ways, with metadata, status and trailers, and without our token', async () => {
    const call = rig.client.makeBidiStreamRequest('/any.Service/Echo', asIs, asIs, metadataFor('rpc'))
    call.on('error', () => {})
    const metadata = new Promise<Metadata>(resolve => call.on('metadata', resolve))
    const ended = new Promise<{ code: number; details: string; metadata: Metadata }>(resolve =>
      call.on('status', resolve),
    )
    const received: string[] = []
    const first = new Promise<void>(resolve =>
      call.on('data', (data: Buffer) => resolve(void received.push(String(data)))),
    )
    call.write(Buffer.from('one'))
    await first
    call.write(Buffer.from('two'))
    call.end()
    const { code, details, metadata: trailers } = await ended
    expect(received).toEqual(['one', 'two'])
    expect({ code, details }).toEqual({ code: 9, details: 'echoed' })
    expect(trailers.get('x-count-bin')).toEqual([Buffer.from([2])])
    expect((await metadata).get('x-tried')).toEqual(['yes'])
    expect((await metadata).get('dapr-api-token')).toEqual([])
  })

  it('loses nothing of a long stream to one that reads slowly', async () => {
    const call = rig.client.makeBidiStreamRequest<Buffer, Buffer>('/any.Service/Echo', asIs, asIs, metadataFor('rpc'))
    call.on('error', () => {})
    let bytes = 0
    // The status is told before all that came has been read.
    const ended = new Promise(resolve => call.on('end', resolve))
    for (let i = 0; i < 500; i++) call.write(Buffer.alloc(20_000, i))
    call.end()
    call.on('data', (data: Buffer) => void (bytes += data.length))
    await ended
    expect(bytes).toBe(10_000_000)
  })

  it('is cancelled with its caller', async () => {
    const call = rig.client.makeBidiStreamRequest('/any.Service/Echo', asIs, asIs, metadataFor('rpc'))
    call.on('error', () => {})
    const first = new Promise(resolve => call.once('data', resolve))
    call.write(Buffer.from('one'))
    await first
    call.cancel()
    await expect.poll(() => grpc.cancelled).toBe(1)
  })

  it.each([
    [undefined, status.UNIMPLEMENTED],
    ['other', status.NOT_FOUND],
    ['web', status.NOT_FOUND],
    ['away', status.UNAVAILABLE],
  ])('for %s is an error', async (app, code) => {
    await expect(unary(app, Buffer.alloc(0))).rejects.toMatchObject({ code })
  })
})

describe('HTTP', () => {
  const url = (path: string) => {
    const { listener } = rig.app.generation.listeners.get('api')!
    return `http://${(listener as GrpcListener).httpAddress}${path}`
  }

  it('requests a path of an application, and hands on what it answers', async () => {
    const headers = { 'x-tried': 'yes', 'dapr-api-token': 'secret' }
    const answer = await fetch(url('/v1.0/invoke/web/method/a%2Fb/c?d=e'), { method: 'PATCH', body: 'hi', headers })
    expect(answer.status).toBe(418)
    expect(answer.headers.get('x-verb')).toBe('PATCH')
    expect(answer.headers.get('x-path')).toBe('/a%2Fb/c?d=e')
    expect(answer.headers.get('x-tried')).toBe('yes')
    expect(answer.headers.get('x-token')).toBe('undefined')
    expect(await answer.text()).toBe('hi')
  })

  it('counts an answer by which the application failed as an error', async () => {
    for (const code of [200, 404, 500]) await fetch(url(`/v1.0/invoke/web/method/status/${code}`))
    const outcomes = [...metrics.read('portolan_requests_total')]
      .filter(({ labels }) => labels['operation'] === 'dapr.proto.runtime.v1.Dapr.http/InvokeService')
      .map(sample => [sample.labels['outcome'], 'value' in sample && sample.value])
    expect(Object.fromEntries(outcomes)).toEqual({ ok: 2, error: 1 })
  })

  it('takes the application from a header as well', async () => {
    const answer = await fetch(url('/any/path'), { headers: { 'dapr-app-id': 'web' } })
    expect(answer.headers.get('x-path')).toBe('/any/path')
  })

  it('calls OnInvoke of an application that speaks gRPC', async () => {
    const answer = await fetch(url('/v1.0/invoke/rpc/method/anything'), { method: 'POST', body: '{}' })
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([200, 'text/x', 'invoked'])
  })

  it.each([
    ['/v1.0/invoke/other/method/x', 404],
    ['/v1.0/invoke/away/method/x', 503],
    ['/v1.0/invoke/web', 404],
  ])('%s is %i', async (path, expected) => {
    expect((await fetch(url(path))).status).toBe(expected)
  })
})
