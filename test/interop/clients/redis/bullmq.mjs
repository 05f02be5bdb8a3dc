// BullMQ: queues on Lua scripts, blocking pops and streams; what a job system asks of a Redis.
import assert from 'node:assert/strict'
import { cases, load, until } from '../cases.mjs'
import { host, port } from './address.mjs'

const { FlowProducer, Queue, QueueEvents, Worker } = load('bullmq')
const connection = { host, port, maxRetriesPerRequest: null }

async function ready(after, thing) {
  thing.on('error', () => {})
  after(() => thing.close())
  await thing.waitUntilReady()
  return thing
}

await cases({
  async 'jobs are done'(after) {
    const queue = await ready(after, new Queue('plain', { connection }))
    const done = []
    await ready(after, new Worker('plain', async job => done.push(job.data.n), { connection, concurrency: 10 }))
    await queue.addBulk(Array.from({ length: 200 }, (_, n) => ({ name: 'job', data: { n } })))
    await until(() => done.length === 200)
    assert.deepEqual(
      done.sort((a, b) => a - b),
      Array.from({ length: 200 }, (_, n) => n),
    )
    await until(async () => (await queue.getJobCounts('active', 'completed')).completed === 200)
  },
  async 'results by events'(after) {
    const queue = await ready(after, new Queue('events', { connection }))
    const events = await ready(after, new QueueEvents('events', { connection }))
    await ready(after, new Worker('events', async job => job.data.a + job.data.b, { connection }))
    const job = await queue.add('sum', { a: 40, b: 2 })
    assert.equal(await job.waitUntilFinished(events, 15_000), 42)
  },
  async 'failures, retries and priorities'(after) {
    const queue = await ready(after, new Queue('retries', { connection }))
    const events = await ready(after, new QueueEvents('retries', { connection }))
    let attempts = 0
    const work = async () => {
      if (++attempts < 3) throw new Error('not yet')
      return attempts
    }
    await ready(after, new Worker('retries', work, { connection }))
    const job = await queue.add('x', {}, { attempts: 5, backoff: 10, priority: 3 })
    assert.equal(await job.waitUntilFinished(events, 15_000), 3)
  },
  async 'delays and repeats'(after) {
    const queue = await ready(after, new Queue('delays', { connection }))
    const seen = []
    await ready(after, new Worker('delays', async job => seen.push(job.name), { connection }))
    await queue.add('later', {}, { delay: 100 })
    await queue.upsertJobScheduler('every', { every: 200 }, { name: 'often' })
    await until(() => seen.includes('later') && seen.filter(name => name === 'often').length >= 3)
  },
  async flows(after) {
    const flows = await ready(after, new FlowProducer({ connection }))
    const events = await ready(after, new QueueEvents('parents', { connection }))
    await ready(after, new Worker('children', async job => job.data.n * 2, { connection }))
    await ready(
      after,
      new Worker('parents', async job => Object.values(await job.getChildrenValues()).sort(), { connection }),
    )
    const children = [1, 2].map(n => ({ name: 'child', queueName: 'children', data: { n } }))
    const { job } = await flows.add({ name: 'parent', queueName: 'parents', children })
    assert.deepEqual(await job.waitUntilFinished(events, 15_000), [2, 4])
  },
  async 'pause, drain and obliterate'(after) {
    const queue = await ready(after, new Queue('paused', { connection }))
    await queue.pause()
    await queue.addBulk(Array.from({ length: 50 }, (_, n) => ({ name: 'job', data: { n } })))
    assert.equal((await queue.getJobCounts('paused', 'waiting')).paused, 50)
    await queue.obliterate({ force: true })
    assert.equal(await queue.count(), 0)
  },
})
