/** What is refused before anything of a plug-in is run, each with a sentence for the user. */
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inspectPlugin, PluginError } from '../../src/plugins/index.ts'
import { PluginFolder } from './folder.ts'

let folder: PluginFolder

beforeEach(() => {
  folder = new PluginFolder()
})
afterEach(() => folder.remove())

const MANIFEST = 'plugin.yaml'
const PROTO = 'text-messages.proto'
const MODULE = 'text-messages.mjs'

/** Why the folder is refused. */
async function refusal(path = folder.path): Promise<string> {
  const error = await inspectPlugin(path).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(PluginError)
  return (error as PluginError).message
}

it('takes the example, whose proof holds', async () => {
  const { manifest, schema, standing } = await inspectPlugin(folder.path)
  expect(manifest.name).toBe('text-messages')
  expect(Object.keys(schema.methods)).toEqual(['Send', 'Follow'])
  // When it does not: node bin/portolan.cjs plugin verify examples/plugin/text-messages
  expect(standing).toMatchObject({ proof: { results: { skylark: {}, 'pigeon-post': {} } } })
})

describe('the manifest', () => {
  it.each<[string, (folder: PluginFolder) => void, string]>([
    ['is missing', it => it.delete(MANIFEST), 'plugin.yaml cannot be read (ENOENT): a plug-in is a folder with one'],
    ['is no YAML', it => it.write(MANIFEST, 'name: [a'), 'plugin.yaml: Flow sequence in block collection'],
    ['lacks the service', it => it.change(MANIFEST, 'service: ', '# '), 'service: must be there, as a string'],
    ['has an unknown key', it => it.change(MANIFEST, 'name: ', 'nmae: x\nname: '), 'the file: unknown nmae'],
    ['leaves the folder', it => it.change(MANIFEST, 'proto: ', 'proto: ../'), 'proto: must lie inside the folder'],
    [
      'has an implementation that is no name',
      it => it.change(MANIFEST, 'pigeon-post', 'Pigeon Post'),
      'implementations.Pigeon Post: must be words in lower case',
    ],
    ['names one implementation', it => it.change(MANIFEST, '  pigeon-post', '# '), 'must name at least two'],
    [
      'names the same product twice',
      it => it.change(MANIFEST, 'Pigeon Post', 'skylark messaging'),
      'must name at least two, of different products',
    ],
    [
      'names a service without a package',
      it => it.change(MANIFEST, 'examples.messaging.v1.', ''),
      'service: must be the full name of the service, with its package',
    ],
    ['names a module that is missing', it => it.delete(MODULE), `${MODULE} is not there, and the manifest names it`],
    ['names a conformance file that is missing', it => it.delete('conformance.mjs'), 'conformance.mjs is not there'],
    ['names a .proto that is missing', it => it.delete(PROTO), `${PROTO} cannot be read (ENOENT)`],
    [
      'names a service that is not in the .proto',
      it => it.change(MANIFEST, 'TextMessages', 'Letters'),
      `${PROTO} has no service examples.messaging.v1.Letters`,
    ],
  ])('%s', async (_, spoil, reason) => {
    spoil(folder)
    expect(await refusal()).toContain(reason)
  })

  it('is not there, nor the folder', async () => {
    expect(await refusal('/nonexistent')).toBe(
      '/nonexistent/plugin.yaml cannot be read (ENOENT): a plug-in is a folder with one',
    )
  })
})

describe('the .proto', () => {
  it.each<[string, string, string, string]>([
    ['does not parse', 'message SendRequest {', 'message {', 'illegal type name'],
    ['names an unknown type', 'State state', 'Status state', "no such Type or Enum 'Status'"],
    [
      'imports what is not there',
      'package',
      'import "other.proto";\npackage',
      'imports other.proto: only google/protobuf/',
    ],
    ['takes a stream', 'Send(SendRequest)', 'Send(stream SendRequest)', 'Send takes a stream'],
    ['has a free map', 'string text = 2;', 'map<string, string> metadata = 2;', 'metadata is a free map'],
    ['has a field for anything', 'string text = 2;', 'google.protobuf.Struct text = 2;', 'text may hold anything'],
    ['takes anything', 'Send(SendRequest)', 'Send(google.protobuf.Struct)', 'Send may hold anything'],
    ['names a vendor in a field', 'string text = 2;', 'string aws_region = 2;', 'aws_region names AWS'],
    [
      'names a vendor in a message',
      'message Progress',
      'message TwilioState {}\nmessage Progress',
      'TwilioState names Twilio',
    ],
    [
      'names an implementation',
      'string text = 2;',
      'string pigeonPostTicket = 2;',
      'pigeonPostTicket names pigeon-post',
    ],
    ['names a product', 'string text = 2;', 'string skylark_messaging_id = 2;', 'names skylark'],
    ['names a vendor in a value', 'FAILED = 3', 'AZURE_FAILED = 3', 'AZURE_FAILED names a vendor'],
  ])('%s', async (_, from, to, reason) => {
    folder.change(PROTO, from, to)
    if (to.includes('google.protobuf'))
      folder.change(PROTO, 'package', 'import "google/protobuf/struct.proto";\npackage')
    expect(await refusal()).toContain(reason)
  })

  it('takes the place of nobody', async () => {
    folder.change(PROTO, 'examples.messaging.v1', 'dapr.messaging.v1')
    folder.change(MANIFEST, 'examples.messaging.v1', 'dapr.messaging.v1')
    expect(await refusal()).toContain('the package dapr is taken')
  })

  it('may import what protobuf itself defines, and have words that contain a vendor’s name', async () => {
    folder.change(PROTO, 'package', 'import "google/protobuf/timestamp.proto";\npackage')
    folder.change(PROTO, 'string text = 2;', 'string text = 2;\ngoogle.protobuf.Timestamp flaws = 3;')
    expect(await inspectPlugin(folder.path)).toMatchObject({ standing: { doubt: expect.stringContaining('changed') } })
  })
})

describe('the folder', () => {
  it('has a link to nowhere', async () => {
    symlinkSync('/nonexistent', join(folder.path, 'link'))
    expect(await refusal()).toBe(`${join(folder.path, 'link')} cannot be read (ENOENT)`)
  })

  it('has too many files', async () => {
    for (let i = 0; i <= 500; i++) folder.write(`${i}.txt`, '')
    expect(await refusal()).toContain('has more than 500 files or 16 MiB')
  })

  it('has a file that is too large', async () => {
    folder.write('large.txt', ' '.repeat(16 * 1024 * 1024))
    expect(await refusal()).toContain('has more than 500 files or 16 MiB')
  })
})

describe('the proof', () => {
  const standing = async () => (await inspectPlugin(folder.path)).standing

  it.each<[string, (folder: PluginFolder) => void, string]>([
    ['is missing', it => it.delete('proof.json'), 'it has no proof.json'],
    ['is something else', it => it.write('proof.json', '{}'), 'its proof.json is not one'],
    ['is older than a file', it => it.change(MODULE, 'POLL_MS = 200', 'POLL_MS = 201'), 'its files have changed since'],
    ['is older than a file that came', it => it.write('more.txt', ''), 'its files have changed since'],
    [
      'tells of one',
      it => it.change('proof.json', '"pigeon-post"', '"x"'),
      'its proof.json says nothing of pigeon-post',
    ],
    ['tells of a failure', it => it.change('proof.json', '"passed"', '"no"'), 'its proof.json is not one'],
  ])('%s', async (_, spoil, doubt) => {
    spoil(folder)
    expect(await standing()).toEqual({ doubt: expect.stringContaining(doubt) })
  })
})
