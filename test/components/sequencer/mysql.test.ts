import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SequencerStore } from '../../../src/apis/index.ts'
import { mysqlSequencer } from '../../../src/components/sequencer/mysql.ts'
import { sequencerConformance } from '../../conformance/sequencer.ts'
import { expectRefusal } from '../../conformance/suite.ts'
import { type MysqlBench, startMysqlBench } from '../mysql-backend.ts'
import { openStore } from '../open.ts'
import { underRestarts } from './under-restarts.ts'

let bench: MysqlBench

beforeAll(async () => {
  bench = await startMysqlBench()
})
afterAll(() => bench?.stop())

const open = () => openStore(mysqlSequencer, {}, { backend: bench.backend })

sequencerConformance({
  features: mysqlSequencer.features,
  open,
  restart: { stop: () => bench.kill(), start: () => bench.server.restart() },
})

/** As another sidecar would: with connections of its own. */
async function openApart(): Promise<SequencerStore> {
  const backend = await bench.openBackend()
  const store = await openStore(mysqlSequencer, {}, { backend })
  return {
    check: timeoutMs => store.check(timeoutMs),
    reserve: (key, count) => store.reserve(key, count),
    close: () => store.close().then(() => backend.close(0)),
  }
}

underRestarts({ open: openApart, kill: () => bench.server.kill(), restart: () => bench.server.restart() })

test('a number that was asked for when the server was lost may have been given; one not sent for was not', async () => {
  const store = await open()
  await store.reserve('lost', 1)
  // Holds the row, so that the next one waits in the server.
  const holder = await bench.hold("SELECT * FROM portolan.portolan_sequences WHERE name = 'lost' FOR UPDATE")
  const waiting = expectRefusal(store.reserve('lost', 1), 'unknown')
  await expect.poll(() => bench.running('INSERT INTO `portolan`')).toBe(1)
  await bench.kill()
  await waiting
  holder.destroy()
  await expectRefusal(store.reserve('lost', 1), 'unavailable')
  await bench.server.restart()
  await expect.poll(() => store.reserve('lost', 1).catch(() => 0n)).toBeGreaterThan(1n)
  await store.close()
})

test('a sequence that is at its end says so, and gives nothing twice', async () => {
  const store = await open()
  await store.reserve('long', 1)
  await bench.root("UPDATE portolan.portolan_sequences SET last = 9223372036854775805 WHERE name = 'long'")
  expect(await store.reserve('long', 2)).toBe(2n ** 63n - 2n)
  await expectRefusal(store.reserve('long', 1), 'exhausted')
  await expectRefusal(store.reserve('x'.repeat(1025), 1), 'invalid-argument')
  await store.close()
})
