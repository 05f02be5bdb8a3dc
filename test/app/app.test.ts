import { createServer } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type App, createApp } from '../../src/app.ts'
import type { AppConfig } from '../../src/config/index.ts'
import { StartError } from '../../src/generation.ts'
import { systemClock } from '../../src/protocol.ts'
import { Echo, EchoClient, echoConfig } from './echo.ts'

const apps: App[] = []
afterEach(async () => {
  await Promise.all(apps.splice(0).map(app => app.close()))
})

function open(config: AppConfig, echo = new Echo()): App {
  const app = createApp(config, echo)
  apps.push(app)
  return app
}

function addressOf(app: App, listener: string): string {
  return app.generation.listeners.get(listener)!.listener.address
}

describe('start', () => {
  test('builds backends, binds listeners and serves', async () => {
    const echo = new Echo()
    const app = open(echoConfig({ listeners: { a: { backend: 'one' } }, backends: { one: { label: 'one' } } }), echo)
    expect(app.ready).toBe(false)
    await app.start()
    expect(app.ready).toBe(true)
    expect(echo.journal).toEqual(['start one', 'bind a'])
    const client = await EchoClient.connect(addressOf(app, 'a'))
    expect(await client.ask('hello')).toBe('one:hello')
  })

  test('a backend that is away does not keep it from starting', async () => {
    const away = { one: { label: 'one', reachable: false } }
    const app = open(echoConfig({ listeners: { a: { backend: 'one' } }, backends: away }))
    await app.start()
    expect(app.ready).toBe(true)
  })

  test('everything that cannot be built is reported at once', () => {
    const config = echoConfig({
      listeners: { a: {} },
      backends: { one: { label: 'one', buildable: false }, two: { label: 'two', buildable: false } },
    })
    const foreign = { ...config, listeners: [{ ...config.listeners[0]!, protocol: 'gopher' }] }
    expect(() => createApp(foreign, new Echo())).toThrow(
      new StartError([
        'backend one: it cannot be built',
        'backend two: it cannot be built',
        'listener a: there are no listeners of protocol gopher',
      ]),
    )
  })

  test('a taken port names the listener, the address and the way out, and leaves nothing open', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await vi.waitFor(() => expect(other.listening).toBe(true))
    const { port } = other.address() as { port: number }
    const echo = new Echo()
    const taken = { address: { host: '127.0.0.1', port } }
    const app = open(
      echoConfig({ listeners: { free: {}, cache: taken, files: taken }, backends: { one: { label: 'one' } } }),
      echo,
    )
    const error = await app.start().catch((error: unknown) => error)
    expect(error).toBeInstanceOf(StartError)
    const { problems } = error as StartError
    expect(problems).toHaveLength(2)
    expect(problems[0]).toContain(`listener cache: 127.0.0.1:${port} is taken by another process`)
    expect(problems[0]).toContain('listeners.cache.address')
    expect(problems[1]).toContain('listener files:')
    expect(echo.journal).toContain('drained free')
    expect(echo.journal).toContain('close one')
    expect(app.ready).toBe(false)
    other.close()
  })

  test('a taken admin port stops the start too', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await vi.waitFor(() => expect(other.listening).toBe(true))
    const { port } = other.address() as { port: number }
    const echo = new Echo()
    const app = open(echoConfig({ listeners: { a: {} }, admin: { address: { host: '127.0.0.1', port } } }), echo)
    await expect(app.start()).rejects.toThrow(`admin listener: 127.0.0.1:${port} is taken by another process`)
    expect(echo.journal).toContain('drained a')
    other.close()
  })
})

describe('drain', () => {
  test('finishes what is in flight, closes idle connections, then backends', async () => {
    const echo = new Echo()
    const app = open(echoConfig({ listeners: { a: { backend: 'one' } }, backends: { one: { label: 'one' } } }), echo)
    await app.start()
    const address = addressOf(app, 'a')
    const [busy, idle] = [await EchoClient.connect(address), await EchoClient.connect(address)]
    expect(await idle.ask('hello')).toBe('one:hello')
    busy.send('wait')
    await vi.waitFor(() => expect(echo.waiting).toBe(1))

    const drained = app.drain(20_000)
    expect(app.ready).toBe(false)
    expect(await idle.answer()).toBeUndefined()
    await expect(EchoClient.connect(address)).rejects.toThrow('ECONNREFUSED')
    echo.release()
    expect(await busy.answer()).toBe('one:wait')
    await drained
    expect(echo.journal.slice(2)).toEqual(['drain a', 'drained a', 'close one'])
  })

  test('destroys at the deadline what does not finish', async () => {
    const echo = new Echo()
    const app = open(echoConfig({ listeners: { a: {} } }), echo)
    await app.start()
    const busy = await EchoClient.connect(addressOf(app, 'a'))
    busy.send('wait')
    await vi.waitFor(() => expect(echo.waiting).toBe(1))
    await app.drain(1)
    expect(await busy.answer()).toBeUndefined()
  })

  test('goes on without a part that never ends', async () => {
    const echo = new Echo()
    const stuck = echo.protocols[0]!
    const app = createApp(echoConfig({ listeners: { a: {} }, backends: { one: { label: 'one' } } }), {
      ...echo,
      clock: { ...systemClock, after: (_, callback) => systemClock.after(0, callback) },
      protocols: [
        {
          ...stuck,
          build: (config, runtime) => {
            const listener = stuck.build(config, runtime)
            listener.drain = () => new Promise(() => {})
            return listener
          },
        },
      ],
    })
    await app.start()
    await app.drain(0)
    expect(echo.journal).toContain('close one')
  })

  test('the admin listener ends last and answers meanwhile', async () => {
    const echo = new Echo()
    const admin = { address: { host: '127.0.0.1', port: 0 } }
    const app = open(echoConfig({ listeners: { a: {} }, admin }), echo)
    await app.start()
    const busy = await EchoClient.connect(addressOf(app, 'a'))
    busy.send('wait')
    await vi.waitFor(() => expect(echo.waiting).toBe(1))
    const drained = app.drain(20_000)
    const base = `http://${app.adminAddress}`
    expect((await fetch(`${base}/livez`)).status).toBe(200)
    expect((await fetch(`${base}/readyz`)).status).toBe(503)
    echo.release()
    await drained
    await expect(fetch(`${base}/livez`)).rejects.toThrow()
  })

  test('before, during and after a start', async () => {
    const unstarted = open(echoConfig({ listeners: { a: {} } }))
    await unstarted.drain(0)
    await expect(unstarted.start()).rejects.toThrow('closed')

    const echo = new Echo()
    const app = open(echoConfig({ listeners: { a: {} } }), echo)
    const started = app.start()
    await Promise.all([started, app.drain(0)])
    expect(echo.journal).toEqual(['bind a', 'drain a', 'drained a'])
    expect(app.ready).toBe(false)
  })
})
