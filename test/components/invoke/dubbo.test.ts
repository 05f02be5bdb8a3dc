import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { DELETE, ERROR } from '../../../codecs/zookeeper/index.ts'
import type { Invocation, InvokeStore } from '../../../src/apis/index.ts'
import { makeNode, unless, ZooKeeperClient } from '../../../src/components/clients/zookeeper/index.ts'
import { dubboInvoke } from '../../../src/components/invoke/dubbo.ts'
import { entryOf } from '../../../src/components/invoke/dubbo-registry.ts'
import { silentLogger } from '../../../src/observability/logger.ts'
import { systemClock } from '../../../src/protocol.ts'
import { invokeConformance } from '../../conformance/invoke.ts'
import { expectRefusal } from '../../conformance/suite.ts'
import { RECORDED_SERVICE, RecordedProvider } from '../../support/dubbo-provider.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { startZooKeeper, type ZooKeeperServer } from '../../support/zookeeper-server.ts'
import { openStore } from '../open.ts'

let provider: RecordedProvider
let second: RecordedProvider

beforeEach(async () => {
  provider = await RecordedProvider.start()
  second = await RecordedProvider.start()
})
afterEach(() => Promise.all([provider.stop(), second.stop()]))

const DIRECT = dubboInvoke.features.filter(feature => feature !== 'invoke.discovery')

invokeConformance({
  features: DIRECT,
  service: RECORDED_SERVICE,
  open: () => openStore(dubboInvoke, { providers: [provider.address, second.address] }),
  pair: { calls: () => [provider.calls, second.calls], stopFirst: () => provider.stop() },
  restart: {
    stop: async () => void (await Promise.all([provider.stop(), second.stop()])),
    start: async () => void (await Promise.all([provider.start(), second.start()])),
  },
})

describe('with ZooKeeper as the registry', () => {
  let server: ZooKeeperServer
  let client: ZooKeeperClient

  beforeAll(async () => {
    server = await startZooKeeper()
    const [host = '', port = ''] = server.address.split(':')
    const endpoints = [{ host, port: Number(port) }]
    const limits = { sessionTimeout: 10_000, connectTimeout: 5_000, requestTimeout: 5_000 }
    const context = {
      name: 'registry',
      logger: silentLogger,
      clock: systemClock,
      backend() {
        throw new Error('it has none')
      },
    }
    client = new ZooKeeperClient({ ...limits, endpoints, tls: undefined, credentials: undefined }, context)
  })
  afterAll(async () => {
    await client?.close()
    await server?.stop()
  })

  const nodeOf = (address: string, query: string) => {
    const url = `dubbo://${address}/${RECORDED_SERVICE}?anyhost=true&application=demo&dubbo=2.0.2&interface=${RECORDED_SERVICE}${query}&side=provider`
    return `/dubbo/${RECORDED_SERVICE}/providers/${encodeURIComponent(url)}`
  }
  const nodes = () => [
    nodeOf(provider.address, ''),
    nodeOf(provider.address, '&group=blue&version=2.0'),
    nodeOf('127.0.0.1:1', '&disabled=true'),
  ]
  const add = async () => {
    for (const node of nodes()) await makeNode(client, node, null)
  }
  const remove = async () => {
    for (const path of nodes()) await unless(client.call(DELETE, { path, version: -1 }), ERROR.noNode)
  }

  beforeEach(() => add())
  afterEach(() => remove())

  invokeConformance({
    features: dubboInvoke.features.filter(feature => feature !== 'invoke.balancing'),
    service: RECORDED_SERVICE,
    open: () => openStore(dubboInvoke, { registry: { endpoints: [server.address] } }),
    registry: { add, remove },
  })
})

describe('a kept connection', () => {
  let store: InvokeStore
  afterEach(() => store.close())

  const hello = (more: Partial<Invocation> = {}) =>
    store.call!({
      service: RECORDED_SERVICE,
      method: 'hello',
      args: ['x'],
      group: '',
      version: '',
      attachments: {},
      ...more,
    })
  const open = async (more: object = {}, clock = systemClock) => {
    store = await openStore(dubboInvoke, { providers: [provider.address], ...more }, { clock })
  }

  it('is shared by calls, whose answers may come in any order', async () => {
    await open()
    provider.behaviour = 'keeps'
    const calls = [hello(), hello({ method: 'add', args: [40, 2] }), hello({ method: 'nothing', args: [] })]
    await expect.poll(() => provider.calls).toBe(3)
    provider.release()
    expect((await Promise.all(calls)).map(({ value }) => value)).toEqual(['Hello x', 42, null])
    expect(provider.connections).toBe(1)
  })

  it('leaves a call whose answer was lost as unknown, and does not send it again', async () => {
    await open()
    provider.behaviour = 'cuts'
    await expectRefusal(hello(), 'unknown')
    expect(provider.calls).toBe(1)
    provider.behaviour = 'answers'
    expect((await hello()).value).toBe('Hello x')
  })

  it('is there for others when a call has run out of time', async () => {
    await open()
    await store.check(5_000)
    provider.behaviour = 'keeps'
    await expectRefusal(hello({ timeoutMs: 20 }), 'unknown')
    provider.release()
    expect((await hello()).value).toBe('Hello x')
    expect(provider.connections).toBe(1)
  })

  it('answers heartbeats', async () => {
    await open()
    await hello()
    provider.send('dabb e2 00 00000000000000ff 00000001 4e')
    await expect.poll(() => provider.heartbeatAnswers).toBe(1)
  })

  it('is not used any more once the provider says that it will end', async () => {
    await open()
    await hello()
    provider.send('dabb a2 00 00000000000000ff 00000002 0152')
    await expect.poll(async () => (await hello()).value && provider.connections).toBe(2)
  })

  it('is given up when the provider is silent', async () => {
    const clock = new ManualClock()
    await open({ heartbeatInterval: '1s' }, clock)
    await hello()
    provider.behaviour = 'keeps'
    const lost = hello()
    await expect.poll(() => provider.calls).toBe(2)
    clock.advance(1_000)
    await expect.poll(() => provider.heartbeats).toBe(1)
    clock.advance(2_000)
    await expectRefusal(lost, 'unknown')
  })

  it('ends when the provider does not speak the protocol', async () => {
    await open()
    await hello()
    provider.send('485454502f312e31203430302042616420526571')
    await expect.poll(async () => (await hello()).value && provider.connections).toBe(2)
  })

  it('rejects what is under way when the component is closed', async () => {
    await open()
    provider.behaviour = 'keeps'
    const lost = hello()
    await expect.poll(() => provider.calls).toBe(1)
    await store.close()
    await expectRefusal(lost, 'unknown')
    await expectRefusal(hello(), 'unavailable')
  })

  it('takes no attachment that steers the call', async () => {
    await open()
    await expectRefusal(hello({ attachments: { generic: 'nativejava' } }), 'invalid-argument')
    expect(provider.calls).toBe(0)
  })
})

describe('conversion', () => {
  const values = [
    ['twice', ['4611686018427387903'], ['long'], '9223372036854775806'],
    ['reversed', ['AQID'], ['byte[]'], 'AwIB'],
    ['tomorrow', ['2020-01-01T00:00:00Z'], ['java.util.Date'], '2020-01-02T00:00:00.000Z'],
    ['price', ['1.50'], undefined, '2.50'],
    ['power', [70], undefined, '-1180591620717411303424'],
    ['next', ['RED'], undefined, 'GREEN'],
  ] as const

  it.each(values)('%s %j', async (method, args, types, expected) => {
    const store = await openStore(dubboInvoke, { providers: [provider.address] })
    const invocation = { service: RECORDED_SERVICE, method, args, ...(types && { types }), group: '', version: '' }
    expect((await store.call!({ ...invocation, attachments: {} })).value).toEqual(expected)
    await store.close()
  })

  it('keeps the names of classes when it is told to', async () => {
    const store = await openStore(dubboInvoke, { providers: [provider.address], keepClasses: true })
    const invocation = { service: RECORDED_SERVICE, method: 'all', args: [['a', 'bcd']], group: '', version: '' }
    const { value } = await store.call!({ ...invocation, attachments: {} })
    expect(value).toMatchObject([{ class: 'demo.Person' }, { class: 'demo.Person' }])
    await store.close()
  })
})

describe('entries of the registry', () => {
  it.each([
    [
      'dubbo://10.0.0.1:20881/a.B?group=g&version=1.0',
      { address: { host: '10.0.0.1', port: 20_881 }, group: 'g', version: '1.0' },
    ],
    ['dubbo://10.0.0.1/a.B?version=0.0.0', { address: { host: '10.0.0.1', port: 20_880 }, group: '', version: '' }],
    ['dubbo://[fe80::1]:9/a.B', { address: { host: 'fe80::1', port: 9 }, group: '', version: '' }],
    ['tri://10.0.0.1:50051/a.B', undefined],
    ['dubbo://10.0.0.1:1/a.B?disabled=true', undefined],
    ['nonsense', undefined],
  ])('%s', (url, expected) => {
    expect(entryOf(encodeURIComponent(url))).toEqual(expected)
  })

  it('one that is no valid encoding is passed over', () => {
    expect(entryOf('%zz')).toBeUndefined()
  })
})
