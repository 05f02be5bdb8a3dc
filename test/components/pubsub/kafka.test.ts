/** What Kafka pub/sub does without a broker; kafka-live.test.ts has what it does before one. */
import { AuthenticationError, MultipleErrors, NetworkError, ResponseError } from '@platformatic/kafka'
import { describe, expect, it, test } from 'vitest'
import { freePorts } from '../../../scripts/ports.mjs'
import { kafkaPubSub } from '../../../src/components/pubsub/kafka.ts'
import { asApiError, canBeSentAgain, partitionsTaken } from '../../../src/components/pubsub/kafka-errors.ts'
import { checkTopic, groupId } from '../../../src/components/pubsub/kafka-names.ts'
import { type Entry, KafkaPartition, type RecordsBatch } from '../../../src/components/pubsub/kafka-partition.ts'
import { Inbox, message } from '../../conformance/pubsub-bench.ts'
import { openStore } from '../open.ts'

const PRODUCE = 0
const SUBSCRIBED = { from: 'new', maxInFlight: 10 } as const

describe('without a broker', () => {
  it('everything is unavailable at once, and topics that cannot be are refused', async () => {
    const [port] = await freePorts(1)
    const store = await openStore(kafkaPubSub, { endpoints: [`127.0.0.1:${port}`], requestTimeout: '1h' })
    const unavailable = { code: 'unavailable', retryable: true }
    await expect(store.publish('t', [message('x')])).rejects.toMatchObject(unavailable)
    await expect(store.subscribe('t', { ...SUBSCRIBED, group: 'g' }, new Inbox())).rejects.toMatchObject(unavailable)
    await expect(store.subscribe('t', SUBSCRIBED, new Inbox())).rejects.toMatchObject(unavailable)
    await expect(store.check(60_000)).rejects.toMatchObject(unavailable)
    for (const topic of ['', '.', '..', 'a/b', 'ä', 'with space', 'x'.repeat(250)]) {
      await expect(store.publish(topic, [message('x')])).rejects.toMatchObject({ code: 'invalid-argument' })
      await expect(store.subscribe(topic, SUBSCRIBED, new Inbox())).rejects.toMatchObject({ code: 'invalid-argument' })
    }
    await store.close()
    await expect(store.publish('t', [message('x')])).rejects.toMatchObject({ message: 'the component is closed' })
  })

  it('a socket is no address of a broker', async () => {
    await expect(openStore(kafkaPubSub, { endpoints: ['unix:/tmp/x'] })).rejects.toThrow(/host:port/)
  })
})

test('groups of one name on two topics are two, whatever their names', () => {
  checkTopic('a.b_c-D')
  expect(groupId('g', 't')).toBe('g/t')
  expect(groupId('a/b c', 't')).toBe('a%2Fb%20c/t')
})

describe('errors of the library', () => {
  const lost = new NetworkError('Connection closed')
  const refused = new NetworkError('Connection to 127.0.0.1:1 failed.', { cause: new Error('connect ECONNREFUSED') })
  const answered = (code: number, response: object = {}) =>
    new ResponseError(PRODUCE, 11, { '/responses/0/partitions/1': [code, null] }, response)

  it.each([
    ['a connection that is not made', refused, 'unavailable'],
    ['none of several', new MultipleErrors('Cannot connect to any broker.', [refused, refused]), 'unavailable'],
    ['a lost answer', new MultipleErrors('Producing messages failed.', [lost]), 'unknown'],
    ['an answer too late', new NetworkError('Request timed out'), 'unknown'],
    ['REQUEST_TIMED_OUT', answered(7), 'unknown'],
    ['NOT_LEADER_OR_FOLLOWER', answered(6), 'unavailable'],
    ['MESSAGE_TOO_LARGE', answered(10), 'invalid-argument'],
    ['TOPIC_AUTHORIZATION_FAILED', answered(29), 'denied'],
    ['a wrong password', new NetworkError('Connection failed.', { cause: new AuthenticationError('no') }), 'denied'],
  ])('%s', (_, error, code) => {
    expect(asApiError(error, 'unknown').code).toBe(code)
  })

  it('tell what was certainly not taken, so that it can be sent again', () => {
    expect(canBeSentAgain(new MultipleErrors('', [answered(6), answered(3)]))).toBe(true)
    expect(canBeSentAgain(new MultipleErrors('', [answered(6), answered(7)]))).toBe(false)
    expect(canBeSentAgain(new MultipleErrors('', [answered(6), lost]))).toBe(false)
    expect(canBeSentAgain(refused)).toBe(false)
  })

  it('tell which partitions have taken their messages all the same', () => {
    const partitionResponses = [
      { index: 1, errorCode: 6 },
      { index: 2, errorCode: 0 },
    ]
    const error = Object.assign(
      new MultipleErrors('', [answered(6, { responses: [{ name: 't', partitionResponses }] })]),
      { produced: { offsets: [{ topic: 't', partition: 5, offset: 1n }] } },
    )
    expect([...partitionsTaken(error)].toSorted()).toEqual([2, 5])
  })
})

describe('a partition', () => {
  const batch = (firstOffset: number, keys: readonly (string | null)[], attributes = 0): RecordsBatch => ({
    firstOffset: BigInt(firstOffset),
    lastOffsetDelta: keys.length - 1,
    attributes,
    records: keys.map((key, offsetDelta) => ({
      offsetDelta,
      key: key === null ? null : Buffer.from(key),
      value: Buffer.from(`${firstOffset + offsetDelta}`),
      headers: [],
    })),
  })
  const all = (partition: KafkaPartition): Entry[] => {
    const entry = partition.next()
    return entry ? [entry, ...all(partition)] : []
  }
  const offsets = (entries: readonly Entry[]) => entries.map(({ offset }) => Number(offset))
  const finish = (partition: KafkaPartition, entry: Entry) => {
    expect(partition.settle(entry)).toBe(true)
    partition.done(entry)
  }

  it('stands at the first message that is not done', () => {
    const partition = new KafkaPartition(0, 5n, 10)
    partition.take([batch(5, [null, null, null])])
    const [first, second, third] = all(partition)
    expect(partition.firstOpen).toBe(5n)
    finish(partition, third!)
    finish(partition, second!)
    expect([partition.firstOpen, partition.inFlight]).toEqual([5n, 1])
    finish(partition, first!)
    expect([partition.firstOpen, partition.inFlight]).toEqual([8n, 0])
    expect(partition.settle(first!)).toBe(false)
  })

  it('passes over what comes before its position, and markers of transactions', () => {
    const partition = new KafkaPartition(0, 2n, 10)
    partition.take([batch(0, [null, null, null, null]), batch(4, [null], 0x20)])
    expect(offsets(all(partition))).toEqual([2, 3])
    expect(partition.position).toBe(5n)
  })

  it('hands out one message of a key at a time, the refused one first', () => {
    const partition = new KafkaPartition(0, 0n, 10)
    partition.take([batch(0, ['a', 'a', 'b', null, 'a'])])
    const [a, b] = all(partition)
    expect(offsets([a!, b!])).toEqual([0, 2])
    partition.settle(a!)
    expect(all(partition)).toEqual([])
    partition.putBack(a!)
    expect(all(partition)).toEqual([a])
    expect(a!.attempts).toBe(2)
    finish(partition, a!)
    expect(offsets(all(partition))).toEqual([1])
  })

  it.each([
    ['messages', 1_000, 1],
    ['bytes', 5, 1024 * 1024],
  ])('fetches no more while too many %s are open', (_, count, bytes) => {
    const partition = new KafkaPartition(0, 0n, 10)
    const records = Array.from({ length: count }, (_, offsetDelta) => ({
      offsetDelta,
      key: null,
      value: Buffer.alloc(bytes),
      headers: [],
    }))
    expect(partition.isHungry).toBe(true)
    partition.take([{ firstOffset: 0n, lastOffsetDelta: count - 1, attributes: 0, records }])
    expect(partition.isHungry).toBe(false)
    const entries = all(partition)
    for (const entry of entries.slice(0, 2)) finish(partition, entry)
    expect(partition.isHungry).toBe(true)
  })

  it('does not run far ahead of a message that stays open', () => {
    const partition = new KafkaPartition(0, 0n, 10)
    partition.take([batch(0, [null])])
    const [stuck] = all(partition)
    for (let at = 1; at <= 10_000; at += 100) {
      expect(partition.isHungry).toBe(true)
      partition.take([
        batch(
          at,
          Array.from({ length: 100 }, () => null),
        ),
      ])
      for (const entry of all(partition)) finish(partition, entry)
    }
    expect(partition.isHungry).toBe(false)
    finish(partition, stuck!)
    expect(partition.isHungry).toBe(true)
  })

  it('asks for more when only aborted transactions fit', () => {
    const partition = new KafkaPartition(0, 0n, 10)
    const before = partition.fetchBytes
    partition.take([])
    expect(partition.fetchBytes).toBe(2 * before)
    partition.take([batch(0, [null])])
    expect(partition.fetchBytes).toBe(before)
  })
})
