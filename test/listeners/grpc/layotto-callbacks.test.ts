/** The stock Layotto server for Node.js, which is called by Layotto's AppCallback. */
import { Server } from 'layotto'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { freePorts } from '../../../scripts/ports.mjs'
import { componentKinds } from '../../../src/components/index.ts'
import { GrpcRig } from './rig.ts'

const got: unknown[] = []
const silent = Object.assign(Object.create(console) as Console, { info() {}, warn() {}, error() {} })
let refusals = 1
let rig: GrpcRig
let server: Server

beforeAll(async () => {
  const [port] = await freePorts(1)
  rig = await GrpcRig.start({
    kinds: componentKinds,
    components: { pubsub: { api: 'pubsub', type: 'memory' } },
    listener: { app: { address: `127.0.0.1:${port}`, protocol: 'grpc' } },
  })
  server = new Server(String(port), undefined, { logger: silent })
  server.pubsub.subscribe('pubsub', 'orders', async (data: unknown) => {
    got.push(data)
    if (refusals-- > 0) throw new Error('not yet')
  })
  server.pubsub.addPubSubSubscription('pubsub', 'orders')
  await server.start()
})

afterAll(async () => {
  await rig?.close()
  await server?.close()
})

it('gets what is published to its topics, and again what it could not handle', async () => {
  const data = Buffer.from('{"a":1}')
  const event = { pubsub_name: 'pubsub', topic: 'orders', data, data_content_type: 'application/json' }
  await vi.waitFor(
    async () => {
      await rig.call('spec.proto.runtime.v1.Runtime', 'PublishEvent', event)
      expect(got.length).toBeGreaterThan(1)
    },
    { timeout: 15_000, interval: 200 },
  )
  expect(got).toContainEqual({ a: 1 })
})
