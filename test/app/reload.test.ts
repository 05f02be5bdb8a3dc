import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { freePorts } from '../../scripts/ports.mjs'
import { type App, createApp } from '../../src/app.ts'
import type { Address } from '../../src/config/index.ts'
import { Echo, EchoClient, echoConfig } from './echo.ts'

const apps: App[] = []
const clients: EchoClient[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.destroy()
  await Promise.all(apps.splice(0).map(app => app.close()))
})

type Parts = Parameters<typeof echoConfig>[0]

async function running(parts: Parts, echo = new Echo()) {
  const app = createApp(echoConfig(parts), echo)
  apps.push(app)
  await app.start()
  return { app, echo, reload: (parts: Parts, options = {}) => app.reload(echoConfig(parts), options) }
}

async function connectTo(app: App, listener: string): Promise<EchoClient> {
  const client = await EchoClient.connect(addressOf(app, listener))
  clients.push(client)
  return client
}

function addressOf(app: App, listener: string): string {
  return app.generation.listeners.get(listener)!.listener.address
}

async function freeAddresses(): Promise<[Address, Address]> {
  const [x, y] = await freePorts(2)
  return [
    { host: '127.0.0.1', port: x! },
    { host: '127.0.0.1', port: y! },
  ]
}

const one = { one: { label: 'first' } }
const other = { one: { label: 'second' } }
const down = { one: { label: 'second', reachable: false } }

describe('what stays', () => {
  test('an equal configuration changes nothing', async () => {
    const { app, echo, reload } = await running({ listeners: { a: { backend: 'one' } }, backends: one })
    const before = app.generation
    const report = await reload({ listeners: { a: { backend: 'one' } }, backends: one })
    expect(report).toEqual({ outcome: 'unchanged', changes: [], warnings: [], errors: [] })
    expect(app.generation.listeners.get('a')).toBe(before.listeners.get('a'))
    expect(app.generation.backends.get('one')).toBe(before.backends.get('one'))
    expect(echo.journal).toEqual(['start first', 'bind a'])
  })

  test('listeners of other backends are not touched', async () => {
    const backends = { ...one, two: { label: 'two' } }
    const listeners = { a: { backend: 'one' }, b: { backend: 'two' } }
    const { app, echo, reload } = await running({ listeners, backends })
    const before = app.generation.listeners.get('b')
    await reload({ listeners, backends: { ...backends, ...other } })
    expect(app.generation.listeners.get('b')).toBe(before)
    expect(echo.journal).not.toContain('update b')
  })

  test('settings are taken over', async () => {
    const { app, reload } = await running({ graceMs: 1 })
    const report = await reload({ graceMs: 2 })
    expect(report.changes).toEqual([{ kind: 'settings', name: 'shutdown', action: 'updated' }])
    expect(app.generation.config.shutdown.graceMs).toBe(2)
  })
})

describe('a changed backend', () => {
  test('takes over under live connections, and the old one is closed after that', async () => {
    const { app, echo, reload } = await running({ listeners: { a: { backend: 'one' } }, backends: one })
    const client = await connectTo(app, 'a')
    expect(await client.ask('x')).toBe('first:x')
    const report = await reload({ listeners: { a: { backend: 'one' } }, backends: other })
    expect(report.outcome).toBe('applied')
    expect(report.changes).toEqual([
      { kind: 'backend', name: 'one', action: 'replaced' },
      { kind: 'listener', name: 'a', action: 'updated' },
    ])
    expect(await client.ask('y')).toBe('second:y')
    await vi.waitFor(() => expect(echo.journal).toContain('close first'))
    expect(echo.journal).toEqual(['start first', 'bind a', 'start second', 'update a', 'close first'])
  })

  test('is refused when its probe fails, says why, and is taken when forced', async () => {
    const listeners = { a: { backend: 'one' } }
    const { app, echo, reload } = await running({ listeners, backends: one })
    const client = await connectTo(app, 'a')
    const report = await reload({ listeners, backends: down })
    expect(report.outcome).toBe('refused')
    expect(report.errors).toEqual(['backend one: second failed to connect: connection refused; start the server'])
    expect(await client.ask('x')).toBe('first:x')
    expect(echo.journal.slice(2)).toEqual(['start second', 'close second'])

    const forced = await reload({ listeners, backends: down }, { force: true })
    expect(forced.outcome).toBe('applied')
    expect(forced.warnings).toHaveLength(1)
    expect(await client.ask('x')).toBe('second:x')
  })

  test('a new backend that is away is a warning only', async () => {
    const { reload } = await running({})
    const report = await reload({ backends: down })
    expect(report.outcome).toBe('applied')
    expect(report.warnings[0]).toContain('connection refused')
  })

  test('one that cannot be built is refused', async () => {
    const { app, reload } = await running({ listeners: { a: { backend: 'one' } }, backends: one })
    const report = await reload({
      listeners: { a: { backend: 'one' } },
      backends: { two: { label: 'two' }, one: { label: 'second', buildable: false } },
    })
    expect(report).toMatchObject({ outcome: 'refused', errors: ['backend one: it cannot be built'] })
    expect(await (await connectTo(app, 'a')).ask('x')).toBe('first:x')
  })
})

describe('listeners', () => {
  test('come and go; a leaving one finishes with the backend that it knows', async () => {
    const { app, echo, reload } = await running({ listeners: { a: { backend: 'one' } }, backends: one })
    const address = addressOf(app, 'a')
    const client = await connectTo(app, 'a')
    client.send('wait')
    await vi.waitFor(() => expect(echo.waiting).toBe(1))
    const report = await reload({ listeners: { b: {} } })
    expect(report.changes).toEqual([
      { kind: 'backend', name: 'one', action: 'removed' },
      { kind: 'listener', name: 'a', action: 'removed' },
      { kind: 'listener', name: 'b', action: 'added' },
    ])
    expect(await (await connectTo(app, 'b')).ask('x')).toBe('-:x')
    await expect(EchoClient.connect(address)).rejects.toThrow('ECONNREFUSED')
    expect(echo.journal).not.toContain('close first')
    echo.release()
    expect(await client.answer()).toBe('first:wait')
    await vi.waitFor(() => expect(echo.journal).toContain('close first'))
    expect(echo.journal.indexOf('drained a')).toBeLessThan(echo.journal.indexOf('close first'))
  })

  test('take changed options without closing a connection', async () => {
    const { app, reload } = await running({ listeners: { a: {} } })
    const client = await connectTo(app, 'a')
    const report = await reload({ listeners: { a: { options: { suffix: '!' } } } })
    expect(report.changes).toEqual([{ kind: 'listener', name: 'a', action: 'updated' }])
    expect(await client.ask('x')).toBe('-:x!')
  })

  test('are replaced at the same address when they cannot take a change', async () => {
    const [address] = await freeAddresses()
    const { app, echo, reload } = await running({ listeners: { a: { address, options: { rigid: true } } } })
    const client = await connectTo(app, 'a')
    client.send('wait')
    await vi.waitFor(() => expect(echo.waiting).toBe(1))
    const report = await reload({ listeners: { a: { address, options: { rigid: true, suffix: '!' } } } })
    expect(report.changes).toEqual([{ kind: 'listener', name: 'a', action: 'replaced' }])
    expect(await (await connectTo(app, 'a')).ask('x')).toBe('-:x!')
    echo.release()
    expect(await client.answer()).toBe('-:wait')
    expect(await client.answer()).toBeUndefined()
  })

  test('change their addresses, and swap them', async () => {
    const [x, y] = await freeAddresses()
    const { app, reload } = await running({
      listeners: { a: { address: x, options: { suffix: 'a' } }, b: { address: y, options: { suffix: 'b' } } },
    })
    const report = await reload({
      listeners: { a: { address: y, options: { suffix: 'a' } }, b: { address: x, options: { suffix: 'b' } } },
    })
    expect(report.outcome).toBe('applied')
    expect(addressOf(app, 'a')).toBe(`127.0.0.1:${(y as { port: number }).port}`)
    expect(await (await connectTo(app, 'a')).ask('1')).toBe('-:1a')
    expect(await (await connectTo(app, 'b')).ask('2')).toBe('-:2b')
  })
})

describe('a failure in the middle', () => {
  test('of binding a new address changes nothing', async () => {
    const busy = createServer().listen(0, '127.0.0.1')
    await once(busy, 'listening')
    const taken = { host: '127.0.0.1', port: (busy.address() as { port: number }).port }
    const { app, echo, reload } = await running({ listeners: { a: { backend: 'one' } }, backends: one })
    const before = app.generation
    const client = await connectTo(app, 'a')
    const report = await reload({
      listeners: { a: { backend: 'one' }, b: { address: taken }, c: {} },
      backends: other,
    })
    expect(report.outcome).toBe('refused')
    expect(report.errors).toEqual([expect.stringContaining(`listener b: 127.0.0.1:${taken.port} is taken`)])
    expect(app.generation).toBe(before)
    expect(await client.ask('x')).toBe('first:x')
    expect(echo.journal).toContain('drained c')
    expect(echo.journal).toContain('close second')
    busy.close()
  })

  test('of binding an address that another listener gave up restores everything', async () => {
    const [x] = await freeAddresses()
    const { port } = x as { port: number }
    const { app, echo, reload } = await running({
      listeners: { a: { address: x, options: { rigid: true } }, b: { backend: 'one' } },
      backends: one,
    })
    const client = await connectTo(app, 'b')
    // Another protocol's listener wants the address of a, and fails to bind it.
    const failing = { ...echo.protocols[0]!, name: 'failing' }
    failing.build = (config, runtime) => {
      const listener = echo.protocols[0]!.build(config, runtime)
      listener.start = async () => {
        throw new Error('no luck')
      }
      return listener
    }
    ;(echo.protocols as unknown[]).push(failing)
    const changed = { a: { address: x }, b: { backend: 'one', options: { suffix: '!' } } }
    const next = echoConfig({ listeners: changed, backends: other })
    const report = await app.reload({
      ...next,
      listeners: next.listeners.map(each => (each.name === 'a' ? { ...each, protocol: 'failing' } : each)),
    })
    expect(report).toMatchObject({ outcome: 'refused', errors: [expect.stringContaining('listener a: no luck')] })
    expect(await client.ask('x')).toBe('first:x')
    expect(addressOf(app, 'a')).toBe(`127.0.0.1:${port}`)
    expect(await (await connectTo(app, 'a')).ask('y')).toBe('-:y')
    expect(echo.journal).toContain('close second')
    expect(echo.journal).not.toContain('close first')
    expect((await reload({ listeners: { b: { backend: 'one' } }, backends: other })).outcome).toBe('applied')
    expect(await client.ask('x')).toBe('second:x')
  })
})

describe('turns', () => {
  test('reloads run one after another', async () => {
    const listeners = { a: { backend: 'one' } }
    const { app, echo, reload } = await running({ listeners, backends: one })
    const labels = ['2', '3', '4']
    const reports = await Promise.all(labels.map(label => reload({ listeners, backends: { one: { label } } })))
    expect(reports.map(report => report.outcome)).toEqual(['applied', 'applied', 'applied'])
    expect(await (await connectTo(app, 'a')).ask('x')).toBe('4:x')
    await vi.waitFor(() => expect(echo.journal).toContain('close 3'))
    expect(echo.journal.filter(entry => entry.startsWith('start'))).toEqual([
      'start first',
      'start 2',
      'start 3',
      'start 4',
    ])
  })

  test('a hundred of them under talking clients: no answer is lost', async () => {
    const listeners = { a: { backend: 'one' } }
    const { app, reload } = await running({ listeners, backends: one })
    let done = false
    const talk = async (client: EchoClient) => {
      let answers = 0
      while (!done) {
        expect(await client.ask(`${answers}`)).toMatch(new RegExp(`^\\w+:${answers}$`))
        answers++
      }
      return answers
    }
    const talks = Promise.all([talk(await connectTo(app, 'a')), talk(await connectTo(app, 'a'))])
    const witness = await connectTo(app, 'a')
    for (let i = 0; i < 100; i++) {
      const report = await reload({ listeners, backends: { one: { label: `x${i}` } } })
      expect(report.outcome).toBe('applied')
      expect(await witness.ask('?')).toBe(`x${i}:?`)
    }
    done = true
    for (const answers of await talks) expect(answers).toBeGreaterThan(10)
  })

  test('a drain that begins during a probe wins', async () => {
    const listeners = { a: { backend: 'one' } }
    const { app, echo, reload } = await running({ listeners, backends: one })
    let probing: () => void = () => {}
    const inProbe = new Promise<void>(resolve => (probing = resolve))
    let goOn: () => void = () => {}
    echo.beforeProbe = () => {
      probing()
      return new Promise(resolve => (goOn = resolve))
    }
    const reloading = reload({ listeners, backends: other })
    await inProbe
    await app.drain(0)
    goOn()
    expect(await reloading).toMatchObject({ outcome: 'refused', errors: [expect.stringContaining('closed')] })
    expect(echo.journal).toContain('close second')
    expect(echo.journal).not.toContain('update a')
  })

  test('a drain waits for what earlier reloads have left', async () => {
    const { app, echo, reload } = await running({ listeners: { a: { backend: 'one' } }, backends: one })
    const client = await connectTo(app, 'a')
    client.send('wait')
    await vi.waitFor(() => expect(echo.waiting).toBe(1))
    expect((await reload({})).outcome).toBe('applied')
    const drained = app.drain(10_000).then(() => [...echo.journal])
    await new Promise(resolve => setImmediate(resolve))
    echo.release()
    expect(await client.answer()).toBe('first:wait')
    expect((await drained).slice(-2)).toEqual(['drained a', 'close first'])
  })

  test('and when it has less time, what they have left has no more either', async () => {
    const { app, echo, reload } = await running({
      listeners: { a: { backend: 'one' } },
      backends: one,
      graceMs: 60_000,
    })
    const client = await connectTo(app, 'a')
    client.send('wait')
    await vi.waitFor(() => expect(echo.waiting).toBe(1))
    await reload({ graceMs: 60_000 })
    await app.close()
    expect(echo.journal.slice(-2)).toEqual(['drained a', 'close first'])
    expect(await client.answer()).toBeUndefined()
  })

  test('the source is read at each reload; what is wrong with it is the report', async () => {
    let next = echoConfig({ listeners: { a: {} } })
    const app = createApp(next, {
      ...new Echo(),
      load: async () => {
        if (next.listeners.length > 1) throw new Error('a.yaml:1:1: no')
        return next
      },
    })
    apps.push(app)
    await app.start()
    next = echoConfig({ listeners: { b: {} } })
    expect((await app.reloadFromSource()).outcome).toBe('applied')
    next = echoConfig({ listeners: { b: {}, c: {} } })
    expect(await app.reloadFromSource()).toMatchObject({ outcome: 'refused', errors: ['a.yaml:1:1: no'] })
    expect([...app.generation.listeners.keys()]).toEqual(['b'])

    const fixed = await running({})
    expect(await fixed.app.reloadFromSource()).toMatchObject({ outcome: 'refused' })
  })
})
