import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { embeddedPubSub } from '../../../src/components/pubsub/embedded.ts'
import { embeddedSequencer } from '../../../src/components/sequencer/embedded.ts'
import { pubsubConformance } from '../../conformance/pubsub.ts'
import { Inbox, message, publish } from '../../conformance/pubsub-bench.ts'
import { buildProgram } from '../../support/program.ts'
import { temporaryDirectory } from '../embedded-directory.ts'
import { openStore } from '../open.ts'

const dataDirectory = temporaryDirectory()
const open = (name?: string) => openStore(embeddedPubSub, { dataDirectory }, name === undefined ? {} : { name })
const group = { group: 'g', from: 'earliest', maxInFlight: 10_000 } as const

pubsubConformance({ features: embeddedPubSub.features, open })

test('after everything was closed a group gets what it had not settled, and nothing else', async () => {
  const first = await open('again')
  const before = new Inbox(({ data }) => (data.toString() === 'settled' ? 'ack' : undefined))
  await first.subscribe('t', group, before)
  await publish(first, 't', 'settled', message('held', { headers: { a: '1' }, orderingKey: 'k' }))
  await publish(first, 't', message('late', { delayMs: 50 }))
  await expect.poll(() => before.unsettled).toBe(1)
  await first.close()
  const second = await open('again')
  const after = new Inbox()
  await second.subscribe('t', group, after)
  await expect.poll(() => after.texts.toSorted()).toEqual(['held', 'late'])
  expect(after.deliveries.find(({ data }) => data.toString() === 'held')).toMatchObject({
    headers: { a: '1' },
    orderingKey: 'k',
  })
  const replay = new Inbox()
  await second.subscribe('t', { ...group, group: 'new' }, replay)
  await expect.poll(() => replay.texts.toSorted()).toEqual(['held', 'late', 'settled'])
  await second.close()
})

test('nothing that was acknowledged is lost when the process is killed, nor is a number given twice', async () => {
  const folder = temporaryDirectory()
  const killed = join(folder, 'data')
  const program = await buildProgram(
    join(folder, 'program'),
    `
    import { embeddedPubSub } from './src/components/pubsub/embedded.ts'
    import { embeddedSequencer } from './src/components/sequencer/embedded.ts'
    import { openStore } from './test/components/open.ts'
    const written = { dataDirectory: ${JSON.stringify(killed)} }
    async function main() {
      const pubsub = await openStore(embeddedPubSub, written)
      const sequencer = await openStore(embeddedSequencer, written)
      for (;;) {
        const number = String(await sequencer.reserve('k', 1))
        const sent = { data: Buffer.from(number), contentType: '', headers: {} }
        await pubsub.publish('t', [sent, sent])
        process.stdout.write(number + '\\n')
      }
    }
    main()
    `,
  )
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const acknowledged: string[] = []
  for await (const line of createInterface(child.stdout)) {
    acknowledged.push(line)
    if (acknowledged.length === 200) child.kill('SIGKILL')
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  expect(child.signalCode).toBe('SIGKILL')
  expect(acknowledged.length).toBeGreaterThanOrEqual(200)

  const pubsub = await openStore(embeddedPubSub, { dataDirectory: killed })
  const inbox = new Inbox()
  await pubsub.subscribe('t', group, inbox)
  await expect.poll(() => inbox.texts).toEqual(expect.arrayContaining(acknowledged))
  // Both messages of a step or none.
  const counts = new Map<string, number>()
  for (const text of inbox.texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  expect(new Set(counts.values())).toEqual(new Set([2]))
  const sequencer = await openStore(embeddedSequencer, { dataDirectory: killed })
  expect(await sequencer.reserve('k', 1)).toBeGreaterThan(BigInt(acknowledged.at(-1)!))
  await Promise.all([pubsub.close(), sequencer.close()])
})
