/** The cases of publishing: what arrives is looked at as well, by a stream. */
import { DaprClient } from '@dapr/dapr'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, type GrpcRig, reader } from '../rig.ts'
import { clientOptions, PROTOCOLS, startRig } from './rig.ts'

const PUBSUB = 'pubsub-redis'
const EVENT = {
  specversion: '1.0',
  type: 'com.github.pull.create',
  source: 'https://github.com/cloudevents/spec/pull',
  id: 'A234-1234-1234',
}

let rig: GrpcRig

beforeAll(async () => {
  rig = await startRig()
})
afterAll(() => rig?.close())

describe.each(PROTOCOLS)('over %s', (name, protocol) => {
  let client: DaprClient
  let topic: string
  let topics = 0
  let subscription: ReturnType<GrpcRig['both']>
  let next: () => Promise<Answer>

  beforeAll(() => {
    client = new DaprClient(clientOptions(rig, protocol))
  })
  afterAll(() => client?.stop())
  beforeEach(async () => {
    topic = `${name}-${++topics}`
    subscription = rig.both('dapr.proto.runtime.v1.Dapr', 'SubscribeTopicEventsAlpha1')
    next = reader(subscription)
    subscription.write({ initial_request: { pubsub_name: PUBSUB, topic } })
    await next()
  })
  afterEach(() => subscription.cancel())

  /** The next events, each with its content type. */
  async function arrived(count: number) {
    const events = []
    for (let each = 0; each < count; each++) {
      const { event_message: event } = (await next()) as { event_message: Answer & { data: Buffer } }
      events.push([event['data_content_type'], event.data.toString()])
      subscription.write({ event_processed: { id: event['id'], status: { status: 0 } } })
    }
    return events
  }
  const publish = async (data: object | string) =>
    expect((await client.pubsub.publish(PUBSUB, topic, data)).error).toBeUndefined()
  const publishBulk = async (messages: object[] | string[]) =>
    (await client.pubsub.publishBulk(PUBSUB, topic, messages as never)).failedMessages.length

  it('text', async () => {
    await publish('Hello World')
    expect(await arrived(1)).toEqual([['text/plain', 'Hello World']])
  })

  it('JSON', async () => {
    await publish({ hello: 'world' })
    expect(await arrived(1)).toEqual([['application/json', '{"hello":"world"}']])
  })

  it('a CloudEvent', async () => {
    await publish({ ...EVENT, data: 'Hello World', datacontenttype: 'text/plain' })
    expect(await arrived(1)).toEqual([['text/plain', 'Hello World']])
  })

  it('texts in bulk', async () => {
    expect(await publishBulk(['Hello World', 'Hello World 2'])).toBe(0)
    expect(await arrived(2)).toEqual([
      ['text/plain', 'Hello World'],
      ['text/plain', 'Hello World 2'],
    ])
  })

  it('JSON in bulk', async () => {
    expect(await publishBulk([{ hello: 'world' }, { hello: 'world 2' }])).toBe(0)
    expect((await arrived(2)).map(([, data]) => data)).toEqual(['{"hello":"world"}', '{"hello":"world 2"}'])
  })

  it('entries of each kind in bulk', async () => {
    const entries = [
      { entryID: '1', event: 'Hello World', contentType: 'text/plain' },
      { entryID: '2', event: { hello: 'world' }, contentType: 'application/json' },
      {
        entryID: '3',
        event: { ...EVENT, data: 'Hello World', datacontenttype: 'text/plain' },
        contentType: 'application/cloudevents+json',
      },
    ]
    expect(await publishBulk(entries)).toBe(0)
    expect(await arrived(3)).toEqual([
      ['text/plain', 'Hello World'],
      ['application/json', '{"hello":"world"}'],
      ['text/plain', 'Hello World'],
    ])
  })

  it('none of a bulk whose entries have the same id', async () => {
    const entry = (entryID: string) => ({ entryID, event: 'unwanted', contentType: 'text/plain' })
    expect(await publishBulk([entry('1'), entry('1'), entry('3')])).toBe(3)
    await publish('wanted')
    expect(await arrived(1)).toEqual([['text/plain', 'wanted']])
  })
})
