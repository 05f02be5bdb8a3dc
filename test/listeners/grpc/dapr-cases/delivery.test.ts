/** The cases of an application that is called: what it publishes comes back to its own port, over either protocol. */

import { DaprClient, DaprPubSubStatusEnum, DaprServer } from '@dapr/dapr'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { freePorts } from '../../../../scripts/ports.mjs'
import type { GrpcRig } from '../rig.ts'
import { clientOptions, PROTOCOLS, startRig } from './rig.ts'

const PUBSUB = 'pubsub-redis'
/** Of a publisher; the client writes those of a subscription as JSON, where it has to be `true`. */
const RAW = { metadata: { rawPayload: 'true' } }
const EVENT = {
  specversion: '1.0',
  type: 'com.github.pull.create',
  source: 'https://github.com/cloudevents/spec/pull',
  id: 'A234-1234-1234',
  data: 'Hello, world!',
  datacontenttype: 'text/plain',
}

interface Received {
  readonly data: unknown
  readonly headers: Readonly<Record<string, string>>
}

describe.each(PROTOCOLS)('called over %s', (name, protocol) => {
  const got: Record<string, Received[]> = {}
  /** A handler that keeps what it is given, and answers with these one after the other. */
  const keep =
    (what: string, ...answers: DaprPubSubStatusEnum[]) =>
    async (data: unknown, headers: object) => {
      ;(got[what] ??= []).push({ data, headers: headers as Received['headers'] })
      return answers.length > 1 ? answers.shift() : answers[0]
    }
  let rig: GrpcRig
  let server: DaprServer
  let client: DaprClient

  beforeAll(async () => {
    const [port] = await freePorts(1)
    rig = await startRig({ app: { address: `127.0.0.1:${port}`, protocol: name } })
    const options = clientOptions(rig, protocol)
    client = new DaprClient(options)
    server = new DaprServer({
      serverHost: '127.0.0.1',
      serverPort: String(port),
      communicationProtocol: protocol,
      clientOptions: options,
    })
    const { pubsub } = server
    const { RETRY, SUCCESS, DROP } = DaprPubSubStatusEnum
    await pubsub.subscribe(PUBSUB, 'default', keep('default'))
    await pubsub.subscribe(PUBSUB, 'raw', keep('raw'), undefined, { rawPayload: true })
    await pubsub.subscribe(PUBSUB, 'simple-route', keep('simple-route'), 'simple')
    await pubsub.subscribe(PUBSUB, 'slash-route', keep('slash-route'), '/slash')
    await pubsub.subscribe(PUBSUB, 'myhome/groundfloor/#', keep('levels'))
    await pubsub.subscribe(PUBSUB, 'myhome/firstfloor/+/temperature', keep('level'))
    await pubsub.subscribeBulk(PUBSUB, 'bulk', keep('bulk'))
    await pubsub.subscribeBulk(PUBSUB, 'bulk-raw', keep('bulk-raw'), { metadata: { rawPayload: true } })
    await pubsub.subscribeWithOptions(PUBSUB, 'success', { callback: keep('success', SUCCESS) })
    await pubsub.subscribeWithOptions(PUBSUB, 'retry', { callback: keep('retry', RETRY, RETRY, SUCCESS) })
    await pubsub.subscribeWithOptions(PUBSUB, 'drop', {
      callback: keep('drop', DROP),
      deadLetterTopic: 'deadletter-topic',
    })
    await pubsub.subscribe(PUBSUB, 'deadletter-topic', keep('dead'))
    await pubsub.subscribeWithOptions(PUBSUB, 'throws', {
      callback: async (data: unknown, headers: object) => {
        await keep('throws')(data, headers)
        throw new Error('not taken')
      },
      deadLetterCallback: keep('dead-of-throws'),
    })
    await pubsub.subscribe(PUBSUB, 'ready', keep('ready'))
    await server.start()
    // What is published before it has been asked for its subscriptions is for nobody.
    await vi.waitFor(
      async () => {
        await publish('ready', '?')
        expect(got['ready']).toBeDefined()
      },
      { timeout: 15_000, interval: 200 },
    )
  }, 30_000)

  afterAll(async () => {
    // A server waits for the connections to it.
    await client?.stop()
    await rig?.close()
    await server?.stop()
  })

  async function publish(topic: string, data: string | object, options: object = {}): Promise<void> {
    const { error } = await client.pubsub.publish(PUBSUB, topic, data, options)
    expect(error).toBeUndefined()
  }
  /** The next that arrives of that kind is this. */
  async function arrives(what: string, data: unknown): Promise<Received> {
    const received = await vi.waitFor(
      () => {
        const first = got[what]?.[0]
        expect(first).toBeDefined()
        return first!
      },
      { timeout: 10_000 },
    )
    expect(received.data).toEqual(data)
    got[what]!.shift()
    return received
  }
  const envelopeOf = (data: unknown) => expect.objectContaining({ data, specversion: '1.0', pubsubname: PUBSUB })

  it('SUCCESS ends a message', async () => {
    await publish('success', 'first')
    await publish('success', 'second')
    await arrives('success', 'first')
    await arrives('success', 'second')
    expect(got['success']).toEqual([])
  })

  it('RETRY has it come again, until there is SUCCESS', async () => {
    await publish('retry', 'again')
    for (let each = 0; each < 3; each++) await arrives('retry', 'again')
    await publish('retry', 'last')
    await arrives('retry', 'last')
  })

  it('DROP has it go to the dead letters', async () => {
    await publish('drop', 'unwanted')
    await arrives('drop', 'unwanted')
    await arrives('dead', 'unwanted')
    expect(got['drop']).toEqual([])
  })

  it('text, with the headers that an application looks at', async () => {
    await publish('default', 'Hello, world!')
    const { headers } = await arrives('default', 'Hello, world!')
    expect(headers['pubsubname']).toBe(PUBSUB)
    if (name === 'http') expect(headers['content-type']).toBe('application/cloudevents+json')
  })

  it('JSON', async () => {
    await publish('default', { message: 'Hello, world!' })
    await arrives('default', { message: 'Hello, world!' })
  })

  it('CloudEvents: what is in them', async () => {
    await publish('default', EVENT)
    await arrives('default', 'Hello, world!')
  })

  it('CloudEvents as JSON are JSON', async () => {
    await publish('default', EVENT, { contentType: 'application/json' })
    await arrives('default', EVENT)
  })

  it('events for a raw subscription: the envelope, its data first', async () => {
    await publish('raw', 'Hello, world!')
    await arrives('raw', envelopeOf('Hello, world!'))
    await publish('raw', { message: 'Hello, world!' })
    const { data } = await arrives('raw', envelopeOf({ message: 'Hello, world!' }))
    expect(Object.keys(data as object)[0]).toBe('data')
  })

  it('raw messages for a raw subscription', async () => {
    await publish('raw', 'Hello, world!', RAW)
    await arrives('raw', 'Hello, world!')
    await publish('raw', { message: 'Hello, world!' }, RAW)
    await arrives('raw', { message: 'Hello, world!' })
  })

  it('in bulk: events', async () => {
    for (const message of ['1', '2']) await publish('bulk', { message })
    for (const message of ['1', '2']) await arrives('bulk', { message })
  })

  it('in bulk: raw messages', async () => {
    for (const message of ['1', '2']) await publish('bulk-raw', { message }, RAW)
    for (const message of ['1', '2']) await arrives('bulk-raw', { message })
  })

  it('in bulk: events for a raw subscription', async () => {
    await publish('bulk-raw', { message: '1' })
    const { data } = await arrives('bulk-raw', envelopeOf({ message: '1' }))
    expect(Object.values(data as object)[0]).toEqual({ message: '1' })
  })

  it('in bulk: raw messages for a subscription to events', async () => {
    await publish('bulk', { message: '1' }, RAW)
    await vi.waitFor(() => expect(got['bulk']).toHaveLength(1), { timeout: 10_000 })
    got['bulk'] = []
  })

  it('routes with and without a slash', async () => {
    await publish('simple-route', 'a')
    await arrives('simple-route', 'a')
    await publish('slash-route', 'b')
    await arrives('slash-route', 'b')
  })

  it('a handler that throws has taken the message', async () => {
    await publish('throws', { message: 'Hello, world!' })
    await arrives('throws', { message: 'Hello, world!' })
    await publish('throws', 'next')
    await arrives('throws', 'next')
    expect(got['dead-of-throws']).toBeUndefined()
  })

  it('topics with wildcards', async () => {
    await publish('myhome/groundfloor/foo/bar', { message: 'many levels' })
    await arrives('levels', { message: 'many levels' })
    await publish('myhome/firstfloor/foo/temperature', { message: 'one level' })
    await arrives('level', { message: 'one level' })
  })

  it('what is published in bulk', async () => {
    const messages = ['message1', 'message2', 'message3']
    expect((await client.pubsub.publishBulk(PUBSUB, 'default', messages)).failedMessages).toEqual([])
    for (const message of messages) await arrives('default', message)
  })
})
