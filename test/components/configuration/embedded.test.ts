import { expect, test } from 'vitest'
import { embeddedConfiguration } from '../../../src/components/configuration/embedded.ts'
import { configurationConformance } from '../../conformance/configuration.ts'
import { at, ofKeys } from '../../conformance/configuration-bench.ts'
import { temporaryDirectory } from '../embedded-directory.ts'
import { openStore } from '../open.ts'

const dataDirectory = temporaryDirectory()
const open = (name?: string) => openStore(embeddedConfiguration, { dataDirectory }, name === undefined ? {} : { name })

configurationConformance({ features: embeddedConfiguration.features, open })

test('items, their versions and history are there after everything was closed, and what was deleted is not', async () => {
  const first = await open('again')
  const long = 'k'.repeat(5_000)
  for (const value of ['1', '2']) await first.write!([{ ...at('k'), value, contentType: 'text/plain' }])
  await first.write!([
    { ...at('gone'), value: 'x' },
    { ...at(long), value: 'long' },
  ])
  await first.write!([at('gone')])
  const [before] = await first.get(ofKeys('k'))
  await first.close()
  const second = await open('again')
  expect(await second.get(ofKeys('k'))).toEqual([before])
  expect((await second.history!(at('k'), 10)).map(({ value }) => value)).toEqual(['2', '1'])
  expect(await second.get(ofKeys('gone'))).toEqual([])
  expect(await second.get(ofKeys(long))).toMatchObject([{ value: 'long' }])
  await second.write!([{ ...at('k'), value: '3', expected: before!.version }])
  await second.close()
})
