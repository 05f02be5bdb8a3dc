/** The stock Dapr server for Node.js, which is called: over gRPC and over HTTP. */

import { CommunicationProtocolEnum, DaprPubSubStatusEnum, DaprServer } from '@dapr/dapr'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { freePorts } from '../../../scripts/ports.mjs'
import { componentKinds } from '../../../src/components/index.ts'
import { GrpcRig } from './rig.ts'

const PROTOCOLS = [
  ['grpc', CommunicationProtocolEnum.GRPC],
  ['http', CommunicationProtocolEnum.HTTP],
] as const

describe.each(PROTOCOLS)('an application that is called over %s', (name, protocol) => {
  const got: Record<string, unknown[]> = {}
  const note = (what: string) => async (data: unknown) => void (got[what] ??= []).push(data)
  let rig: GrpcRig
  let server: DaprServer

  beforeAll(async () => {
    const [port] = await freePorts(1)
    rig = await GrpcRig.start({
      kinds: componentKinds,
      components: { pubsub: { api: 'pubsub', type: 'memory' } },
      listener: { http: '127.0.0.1:0', app: { address: `127.0.0.1:${port}`, protocol: name } },
    })
    // It comes after the sidecar, which waits for nobody.
    server = new DaprServer({
      serverHost: '127.0.0.1',
      serverPort: String(port),
      communicationProtocol: protocol,
      clientOptions: {
        daprHost: '127.0.0.1',
        daprPort: rig.port,
        communicationProtocol: CommunicationProtocolEnum.GRPC,
      },
    })
    await server.pubsub.subscribe('pubsub', 'plain', note('plain'))
    await server.pubsub.subscribe('pubsub', 'raw', note('raw'), undefined, { rawPayload: true })
    await server.pubsub.subscribeBulk('pubsub', 'bulk', note('bulk'), { maxMessagesCount: 2, maxAwaitDurationMs: 100 })
    let refusals = 0
    await server.pubsub.subscribeWithOptions('pubsub', 'retried', {
      callback: async (data: unknown) => {
        await note('retried')(data)
        return refusals++ < 2 ? DaprPubSubStatusEnum.RETRY : DaprPubSubStatusEnum.SUCCESS
      },
    })
    await server.pubsub.subscribeWithOptions('pubsub', 'dropped', {
      callback: async () => DaprPubSubStatusEnum.DROP,
      deadLetterTopic: 'dead',
    })
    await server.pubsub.subscribe('pubsub', 'dead', note('dead'))
    await server.pubsub.subscribeWithOptions('pubsub', 'routed', {
      route: {
        rules: [{ match: 'event.type == "special"', path: '/special' }],
        default: '/other',
      },
    })
    server.pubsub.subscribeToRoute('pubsub', 'routed', '/special', note('special'))
    server.pubsub.subscribeToRoute('pubsub', 'routed', '/other', note('other'))
    await server.start()
    // Subscribed once the first message arrives.
    await vi.waitFor(
      async () => {
        await publish('plain', 'hello')
        expect(got['plain']).toContain('hello')
      },
      { timeout: 15_000, interval: 200 },
    )
  }, 30_000)

  afterAll(async () => {
    // A server waits for the connections to it.
    await rig?.close()
    await server?.stop()
  })

  const publish = (topic: string, data: unknown, metadata: Record<string, string> = {}) =>
    rig.call('dapr.proto.runtime.v1.Dapr', 'PublishEvent', {
      pubsub_name: 'pubsub',
      topic,
      data: Buffer.from(typeof data === 'string' ? data : JSON.stringify(data)),
      data_content_type: typeof data === 'string' ? 'text/plain' : 'application/json',
      metadata,
    })
  const arrives = (what: string, expected: unknown) =>
    vi.waitFor(() => expect(got[what]).toEqual(expected), { timeout: 10_000 })

  it('gets text and JSON as they were published', async () => {
    await publish('plain', 'text')
    await publish('plain', { a: [1, 'ü'] })
    await vi.waitFor(() => expect(got['plain']?.slice(-2)).toEqual(['text', { a: [1, 'ü'] }]), { timeout: 10_000 })
  })

  it('gets what was published without an envelope', async () => {
    await publish('raw', 'bare', { rawPayload: 'true' })
    await arrives('raw', ['bare'])
  })

  it('gets messages in bulk', async () => {
    for (const text of ['1', '2', '3']) await publish('bulk', text)
    await vi.waitFor(() => expect(got['bulk']).toHaveLength(3), { timeout: 10_000 })
  })

  it('gets again what it wants to retry', async () => {
    await publish('retried', 'again')
    await arrives('retried', ['again', 'again', 'again'])
  })

  it('leaves what it drops to the dead letters', async () => {
    await publish('dropped', 'unwanted')
    await arrives('dead', ['unwanted'])
  })

  it('has messages routed by rules', async () => {
    await publish('routed', 'x', { 'cloudevent.type': 'special' })
    await publish('routed', 'y')
    await arrives('special', ['x'])
    await arrives('other', ['y'])
  })
})
