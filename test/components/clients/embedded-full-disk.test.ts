/** A disk that takes nothing more: callers are told, nothing is lost, and all goes on by itself when there is room again. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { embeddedConfiguration } from '../../../src/components/configuration/embedded.ts'
import { embeddedSequencer } from '../../../src/components/sequencer/embedded.ts'
import { smallDisk } from '../../support/small-disk.ts'
import { openStore } from '../open.ts'

const MIB = 1024 * 1024
const disk = smallDisk(8)
const item = { key: 'a', group: '', label: '' }
const selection = { keys: ['a'], group: '', label: '' }

test.skipIf(disk === undefined)(
  'what the disk did not take is written later; until then nothing more is taken',
  async () => {
    const dataDirectory = join(disk!, 'data')
    const filler = join(disk!, 'filler')
    const sequencer = await openStore(embeddedSequencer, { dataDirectory })
    const configuration = await openStore(embeddedConfiguration, { dataDirectory })
    const late = await openStore(embeddedSequencer, { dataDirectory }, { name: 'late' })
    const lost = { code: 'unknown', message: expect.stringContaining('no room on the disk') }
    const refused = { code: 'unavailable', message: expect.stringContaining('no room on the disk') }
    const value = 'x'.repeat(MIB)

    expect(await sequencer.reserve('k', 1)).toBe(1n)
    writeFileSync(filler, Buffer.alloc(3 * MIB))
    await expect(configuration.write!([{ ...item, value }])).rejects.toMatchObject(lost)
    await expect(sequencer.reserve('k', 1)).rejects.toMatchObject(refused)
    await expect(sequencer.check(1_000)).rejects.toMatchObject(refused)
    await expect(configuration.get(selection)).rejects.toMatchObject(refused)
    await expect(late.reserve('k', 1)).rejects.toMatchObject(refused)
    rmSync(filler)
    expect(await late.reserve('k', 1)).toBe(1n)
    expect(await configuration.get(selection)).toMatchObject([{ value }])
    expect(await sequencer.reserve('k', 1)).toBe(2n)
    await Promise.all([sequencer.close(), configuration.close(), late.close()])

    const again = await openStore(embeddedConfiguration, { dataDirectory })
    expect(await again.get(selection)).toMatchObject([{ value }])
    await again.close()
  },
)
