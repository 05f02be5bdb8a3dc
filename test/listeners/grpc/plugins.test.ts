/** Plug-ins on a running listener: the example by both of its implementations, and what happens to spoiled ones. */
import { Client, type ClientReadableStream, credentials, status } from '@grpc/grpc-js'
import descriptor from 'protobufjs/ext/descriptor.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { prepare } from '../../../examples/plugin/text-messages/conformance.mjs'
import { type Logger, silentLogger } from '../../../src/observability/logger.ts'
import { inspectPlugin, type Message } from '../../../src/plugins/index.ts'
import { PluginFolder } from '../../plugins/folder.ts'
import { type Answer, GrpcRig } from './rig.ts'

const SERVICE = 'examples.messaging.v1.TextMessages'
const NUMBER = '+491701234567'
const MODULE = 'text-messages.mjs'

let folder: PluginFolder
const cleanups: (() => unknown)[] = []

beforeEach(() => {
  folder = new PluginFolder()
  cleanups.push(() => folder.remove())
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** The plug-in in a configuration, before a fake of its service. */
async function use(implementation = 'skylark', more: object = {}) {
  const { options, secrets, close } = await prepare(implementation)
  cleanups.push(close)
  process.env['PLUGIN_TEST_TOKEN'] = secrets.token
  return { folder: folder.path, implementation, options, secrets: { token: { env: 'PLUGIN_TEST_TOKEN' } }, ...more }
}

async function start(plugins: readonly object[], logger?: Logger) {
  const rig = await GrpcRig.start({ kinds: [], components: {}, listener: { plugins }, ...(logger && { logger }) })
  cleanups.push(() => rig.close())
  return rig
}

/** The problems of a start that has to fail. */
async function refusal(...plugins: readonly object[]): Promise<string> {
  const error = await start(plugins).then(
    () => undefined,
    (reason: Error) => reason,
  )
  return error?.message ?? 'started'
}

/** Calls of the plug-in's service, as its .proto has them. */
async function callsOf(rig: GrpcRig) {
  const { methods } = (await inspectPlugin(folder.path)).schema
  const client = new Client(rig.address, credentials.createInsecure())
  cleanups.push(() => client.close())
  const { Send, Follow } = methods as Record<'Send' | 'Follow', (typeof methods)[string]>
  return {
    send: (request: object): Promise<Message> =>
      new Promise((resolve, reject) =>
        client.makeUnaryRequest(
          `/${SERVICE}/Send`,
          Send.request.encode,
          Send.response.decode,
          request,
          (error, value) => (error ? reject(error) : resolve(value!)),
        ),
      ),
    follow: (request: object): ClientReadableStream<Message> =>
      client.makeServerStreamRequest(`/${SERVICE}/Follow`, Follow.request.encode, Follow.response.decode, request),
  }
}

function plain(answer: Answer): unknown {
  return JSON.parse(JSON.stringify(answer))
}

it.each(['skylark', 'pigeon-post'])('serves by %s, the same', async implementation => {
  const { send, follow } = await callsOf(await start([await use(implementation)]))
  const { id } = await send({ to: NUMBER, text: 'hello' })
  expect(id).toBe('m1')
  const states: unknown[] = []
  for await (const { state } of follow({ id })) states.push(state)
  expect(states).toEqual(['ACCEPTED', 'DELIVERED'])
  await expect(send({ to: 'nobody', text: 'hello' })).rejects.toMatchObject({ code: status.INVALID_ARGUMENT })
  await expect(follow({ id: 'none' }).toArray()).rejects.toMatchObject({ code: status.NOT_FOUND })
})

it('moves to the other product by a reload', async () => {
  const rig = await start([await use('skylark')])
  const report = await rig.reload({}, { listener: { plugins: [await use('pigeon-post')] } })
  expect(report).toMatchObject({ outcome: 'applied' })
  const { send } = await callsOf(rig)
  expect(await send({ to: NUMBER, text: 'hello' })).toEqual({ id: 'm1' })
})

describe('is shown', () => {
  it('by Discover, with its level', async () => {
    const rig = await start([await use()])
    const wanted = { name: 'text-messages', service: SERVICE, implementation: 'skylark', product: 'Skylark Messaging' }
    for (const api of ['', SERVICE]) {
      const answer = plain(await rig.call('portolan.v1.Discovery', 'Discover', { api }))
      expect(answer).toMatchObject({
        plugins: [{ ...wanted, level: 3, reason: expect.stringMatching(/^proved on 20/) }],
      })
    }
    expect(await rig.call('portolan.v1.Discovery', 'Discover', { api: 'lock' })).toMatchObject({ plugins: [] })
  })

  it('by health checks', async () => {
    const rig = await start([await use()])
    expect(await rig.call('grpc.health.v1.Health', 'Check', { service: SERVICE })).toMatchObject({ status: 1 })
  })

  it('by reflection, with its messages', async () => {
    const rig = await start([await use()])
    const stream = rig.both('grpc.reflection.v1.ServerReflection', 'ServerReflectionInfo')
    const answers = stream[Symbol.asyncIterator]()
    const ask = async (request: object) => {
      stream.write(request)
      return (await answers.next()).value as Answer
    }
    const { list_services_response } = await ask({ list_services: '*' })
    expect(list_services_response).toMatchObject({ service: expect.arrayContaining([{ name: SERVICE }]) })
    const { file_descriptor_response } = await ask({ file_containing_symbol: `${SERVICE}.Send` })
    stream.end()
    const [bytes] = (file_descriptor_response as { file_descriptor_proto: Buffer[] }).file_descriptor_proto
    const file = descriptor.FileDescriptorProto.decode(bytes!)
    expect(plain(file as unknown as Answer)).toMatchObject({
      package: 'examples.messaging.v1',
      service: [{ name: 'TextMessages', method: [{ name: 'Send' }, { name: 'Follow', serverStreaming: true }] }],
    })
  })
})

describe('unproved', () => {
  beforeEach(() => folder.delete('proof.json'))

  it('is refused, with the reason and the way out', async () => {
    expect(await refusal(await use())).toBe(
      `listener api: plug-in text-messages is unproved: it has no proof.json; run: portolan plugin verify ${folder.path}, or set unproved: true to load it all the same, as level 2`,
    )
  })

  it('is loaded with the flag, and labelled level 2', async () => {
    const warnings: object[] = []
    const logger: Logger = {
      ...silentLogger,
      warn: (fields, message) => void warnings.push({ ...fields, message }),
      child: () => logger,
    }
    const rig = await start([await use('skylark', { unproved: true })], logger)
    const label = { level: 2, reason: 'unproved: it has no proof.json' }
    expect(await rig.call('portolan.v1.Discovery', 'Discover', {})).toMatchObject({ plugins: [label] })
    expect(warnings).toContainEqual(expect.objectContaining({ ...label, plugin: 'text-messages', service: SERVICE }))
    const { send } = await callsOf(rig)
    expect(await send({ to: NUMBER, text: 'hello' })).toEqual({ id: 'm1' })
  })
})

describe('a plug-in that fails', () => {
  const ANSWER = 'return { id: await calls.send(to, text) }'

  it.each([
    ['throws', "if (text === 'bad') throw new Error('secret')"],
    ['throws what is no error', "if (text === 'bad') throw undefined"],
    ['answers with nothing', "if (text === 'bad') return"],
    ['answers with what the message cannot hold', "if (text === 'bad') return { ident: 'x' }"],
  ])('%s: only that call', async (_, line) => {
    folder.change(MODULE, ANSWER, `${line}\n        ${ANSWER}`)
    const { send } = await callsOf(await start([await use('skylark', { unproved: true })]))
    const [bad, good] = await Promise.allSettled([send({ to: NUMBER, text: 'bad' }), send({ to: NUMBER, text: 'x' })])
    expect(bad).toMatchObject({ reason: { code: status.INTERNAL, details: expect.not.stringContaining('secret') } })
    expect(good).toEqual({ status: 'fulfilled', value: { id: 'm1' } })
  })

  it('throws in the middle of a stream: only that call', async () => {
    folder.change(MODULE, 'yield { state }', "yield { state }\n          if (id === 'm1') throw new Error('secret')")
    const { send, follow } = await callsOf(await start([await use('skylark', { unproved: true })]))
    await send({ to: NUMBER, text: 'x' })
    await send({ to: NUMBER, text: 'x' })
    const [bad, good] = await Promise.allSettled([follow({ id: 'm1' }).toArray(), follow({ id: 'm2' }).toArray()])
    expect(bad).toMatchObject({ reason: { code: status.INTERNAL } })
    expect(good).toEqual({ status: 'fulfilled', value: [{ state: 'ACCEPTED' }, { state: 'DELIVERED' }] })
  })

  it('ends its stream when the caller goes', async () => {
    const { send, follow } = await (async () => {
      folder.change(MODULE, 'last = state', "last = 'again'")
      folder.change(MODULE, "if (state !== 'ACCEPTED') return", '')
      folder.change(
        MODULE,
        'for (let last; !signal.aborted; ) {',
        'signal.onabort = () => secrets.token = "gone"\n        for (let last; !signal.aborted; ) {',
      )
      folder.change(
        MODULE,
        "if (text === '')",
        "if (text === 'gone?') return { id: token === secrets.token ? 'no' : 'yes' }\n        if (text === '')",
      )
      return callsOf(await start([await use('skylark', { unproved: true })]))
    })()
    const { id } = await send({ to: NUMBER, text: 'x' })
    const stream = follow({ id })
    stream.on('error', () => {})
    await stream[Symbol.asyncIterator]().next()
    stream.cancel()
    await expect.poll(() => send({ to: NUMBER, text: 'gone?' })).toEqual({ id: 'yes' })
  })
})

describe('refuses the start', () => {
  const unproved = { unproved: true }

  it.each<[string, () => void, string]>([
    ['a module that does not parse', () => folder.write(MODULE, 'export {'), `${MODULE} cannot be loaded: `],
    ['a module without open', () => folder.write(MODULE, 'export const a = 1'), `${MODULE} exports no function open`],
    [
      'a module that throws in open',
      () => folder.write(MODULE, 'export function open() { throw new Error("no luck") }'),
      'open("skylark"): no luck',
    ],
    [
      'a module that lacks a method',
      () => folder.write(MODULE, 'export const open = () => ({ methods: { Send() {} } })'),
      'open("skylark") gave no method Follow',
    ],
  ])('of %s', async (_, spoil, reason) => {
    spoil()
    expect(await refusal(await use('skylark', unproved))).toContain(reason)
  })

  it('of an implementation that is not there', async () => {
    expect(await refusal({ ...(await use()), implementation: 'skylrak' })).toContain(
      'plug-in text-messages has no implementation skylrak; did you mean skylark?; it has skylark, pigeon-post',
    )
  })

  it('of a secret that is not there', async () => {
    const secrets = { token: { env: 'PLUGIN_TEST_NOTHING' } }
    expect(await refusal(await use('skylark', { secrets }))).toContain('PLUGIN_TEST_NOTHING is not set')
  })

  it('of a service that is served twice', async () => {
    expect(await refusal(await use(), await use('pigeon-post'))).toContain(`two plug-ins serve ${SERVICE}`)
  })

  it('and the reload, and everything stays', async () => {
    const rig = await start([await use()])
    const wrong = { ...(await use()), implementation: 'none' }
    const report = await rig.reload({}, { listener: { plugins: [wrong] } })
    expect(report).toMatchObject({ outcome: 'refused', errors: [expect.stringContaining('no implementation none')] })
    const { send } = await callsOf(rig)
    expect(await send({ to: NUMBER, text: 'hello' })).toEqual({ id: 'm1' })
  })
})
