import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { embeddedConfiguration } from '../../../src/components/configuration/embedded.ts'
import { embeddedSequencer } from '../../../src/components/sequencer/embedded.ts'
import { ofPrefix } from '../../conformance/configuration-bench.ts'
import { temporaryDirectory } from '../embedded-directory.ts'
import { openStore } from '../open.ts'

test.runIf(process.platform === 'linux')(
  'while another process has the directory calls are refused, a watcher hears of it once, and both go on afterwards',
  async () => {
    const dataDirectory = temporaryDirectory()
    // What another process holds.
    const digest = createHash('sha256').update(dataDirectory).digest('hex').slice(0, 32)
    const other = createServer().listen(`\0portolan-embedded-${digest}`)
    await once(other, 'listening')
    const sequencer = await openStore(embeddedSequencer, { dataDirectory })
    const configuration = await openStore(embeddedConfiguration, { dataDirectory })
    const refusal = { code: 'unavailable', message: expect.stringContaining('another process') }
    await expect(sequencer.reserve('k', 1)).rejects.toMatchObject(refusal)
    await expect(sequencer.check(1_000)).rejects.toMatchObject(refusal)
    let [outages, snapshots] = [0, 0]
    configuration.watch(ofPrefix(''), {
      onItems: () => void snapshots++,
      onItem() {},
      onGone() {},
      onOutage: () => void outages++,
    })
    await expect.poll(() => outages).toBe(1)
    other.close()
    await once(other, 'close')
    expect(await sequencer.reserve('k', 1)).toBe(1n)
    await expect.poll(() => snapshots, { timeout: 5_000 }).toBe(1)
    expect(outages).toBe(1)
    await Promise.all([sequencer.close(), configuration.close()])
  },
)

test('a store that is closed and one that cannot be opened refuse', async () => {
  const directory = temporaryDirectory()
  const store = await openStore(embeddedSequencer, { dataDirectory: directory })
  await store.close()
  await expect(store.reserve('k', 1)).rejects.toMatchObject({ code: 'unavailable' })
  const file = join(directory, 'a-file')
  writeFileSync(file, '')
  const hopeless = await openStore(embeddedSequencer, { dataDirectory: join(file, 'below') })
  await expect(hopeless.reserve('k', 1)).rejects.toMatchObject({ code: 'unavailable' })
  await hopeless.close()
})
