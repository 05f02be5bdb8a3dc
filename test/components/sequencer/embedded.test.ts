import { expect, test } from 'vitest'
import { embeddedSequencer } from '../../../src/components/sequencer/embedded.ts'
import { sequencerConformance } from '../../conformance/sequencer.ts'
import { temporaryDirectory } from '../embedded-directory.ts'
import { openStore } from '../open.ts'

const dataDirectory = temporaryDirectory()

sequencerConformance({
  features: embeddedSequencer.features,
  open: () => openStore(embeddedSequencer, { dataDirectory }),
})

test('a sequence goes on where it was after everything was closed', async () => {
  const first = await openStore(embeddedSequencer, { dataDirectory }, { name: 'again' })
  expect(await first.reserve('k', 5)).toBe(1n)
  await first.close()
  const second = await openStore(embeddedSequencer, { dataDirectory }, { name: 'again' })
  expect(await second.reserve('k', 1)).toBe(6n)
  await second.close()
})

test('components of other names have sequences of their own', async () => {
  const a = await openStore(embeddedSequencer, { dataDirectory }, { name: 'a' })
  const b = await openStore(embeddedSequencer, { dataDirectory }, { name: 'b' })
  expect([await a.reserve('k', 1), await b.reserve('k', 1)]).toEqual([1n, 1n])
  await Promise.all([a.close(), b.close()])
})
