import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { type IncomingMessage, type RequestOptions, request } from 'node:http'
import { connect } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type App, createApp } from '../../src/app.ts'
import type { AdminConfig } from '../../src/config/index.ts'
import { Echo, EchoClient, echoConfig } from '../app/echo.ts'

const LOOPBACK = { host: '127.0.0.1', port: 0 }
const apps: App[] = []
afterEach(async () => {
  await Promise.all(apps.splice(0).map(app => app.close()))
})

const parts = {
  listeners: { a: { backend: 'one' } },
  backends: { one: { label: 'first' }, two: { label: 'away', reachable: false } },
}

async function running(admin: Partial<AdminConfig> = {}) {
  const config = echoConfig({ ...parts, admin: { address: LOOPBACK, ...admin } })
  const app = createApp(config, { ...new Echo(), load: async () => config })
  apps.push(app)
  await app.start()
  return app
}

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

function ask(app: App, path: string, options: RequestOptions = {}, body = ''): Promise<Answer> {
  const [host, port] = app.adminAddress!.split(':')
  const where = app.adminAddress!.startsWith('/') ? { socketPath: app.adminAddress } : { host, port }
  return new Promise((resolve, reject) => {
    const asked = request({ ...where, path, agent: false, ...options }, response => {
      let text = ''
      response
        .setEncoding('utf8')
        .on('data', (chunk: string) => (text += chunk))
        .on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body: text }))
    })
    asked.on('error', reject).end(body)
  })
}

describe('pages', () => {
  test('/livez, /readyz, and the backends only when asked for', async () => {
    const app = await running()
    expect(await ask(app, '/livez')).toMatchObject({ status: 200, body: 'ok\n' })
    expect(await ask(app, '/readyz')).toMatchObject({ status: 200, body: 'ok\n' })
    expect(await ask(app, '/readyz?backends')).toMatchObject({
      status: 503,
      body: 'backend two: connection refused\n',
    })
    await app.reload({ ...app.generation.config, backends: app.generation.config.backends.slice(0, 1) })
    expect(await ask(app, '/readyz?backends')).toMatchObject({ status: 200 })
  })

  test('/listeners and /backends', async () => {
    const app = await running()
    const address = app.generation.listeners.get('a')!.listener.address
    const client = await EchoClient.connect(address)
    expect(await client.ask('x')).toBe('first:x')
    expect(JSON.parse((await ask(app, '/listeners')).body)).toEqual([
      { name: 'a', protocol: 'echo', address, backend: 'one', connections: 1 },
    ])
    expect(JSON.parse((await ask(app, '/backends')).body)).toEqual([
      { name: 'one', protocol: 'echo', state: 'up', endpoints: [] },
      { name: 'two', protocol: 'echo', state: 'down', endpoints: [], lastError: 'connection refused' },
    ])
  })

  test('/config is what is in service, without secrets', async () => {
    const app = await running({ token: { env: 'TOKEN' } })
    const { admin, backends } = JSON.parse((await ask(app, '/config')).body)
    expect(admin).toEqual({ address: LOOPBACK, token: { env: 'TOKEN' }, allowedHosts: [] })
    expect(backends[0]).toMatchObject({ name: 'one', options: { label: 'first' } })
  })

  test('/metrics, twice', async () => {
    const app = await running()
    const first = await ask(app, '/metrics')
    expect(first.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(first.body).toContain('portolan_config_reloads_total{outcome="unchanged"} 0')
    expect(first.body).toContain('portolan_config_last_reload_successful 1')
    await app.reloadFromSource()
    expect((await ask(app, '/metrics')).body).toContain('portolan_config_reloads_total{outcome="unchanged"} 1')
  })

  test('/ lists them all, and HEAD has no body', async () => {
    const app = await running()
    const { body } = await ask(app, '/')
    for (const path of body.split('\n').filter(line => line.startsWith('/'))) {
      expect((await ask(app, path)).status).toBe(200)
      expect(await ask(app, path, { method: 'HEAD' })).toMatchObject({ status: 200, body: '' })
    }
    expect(body).toContain('/metrics')
  })

  test("a protocol's own page tells of each of its listeners", async () => {
    const config = echoConfig({
      admin: { address: LOOPBACK },
      listeners: { a: { backend: 'one', options: { suffix: '!' } }, b: { backend: 'one' } },
      backends: { one: { label: 'first' } },
    })
    const app = createApp(config, new Echo())
    apps.push(app)
    await app.start()
    expect(JSON.parse((await ask(app, '/echo/suffix')).body)).toEqual([
      { listener: 'a', suffix: '!' },
      { listener: 'b', suffix: '' },
    ])
    expect((await ask(app, '/')).body.match(/^\/echo\/suffix$/gm)).toHaveLength(1)
    expect(await ask(app, '/echo/suffix', { method: 'POST' })).toMatchObject({ status: 405 })
  })

  test.each(['/nothing', '/echo', '/echo/', '/echo/constructor', '/constructor', '/__proto__', '//livez', '/livez/'])(
    '%s is no page',
    async path => {
      expect((await ask(await running(), path)).status).toBe(404)
    },
  )
})

describe('POST /reload', () => {
  const token = { env: 'PORTOLAN_TEST_ADMIN_TOKEN' }
  process.env['PORTOLAN_TEST_ADMIN_TOKEN'] = 'open-sesame'
  const post = (app: App, authorization?: string, path = '/reload') =>
    ask(app, path, { method: 'POST', headers: authorization === undefined ? {} : { authorization } })

  test('without a token in the configuration: 403, saying how to set one', async () => {
    const answer = await post(await running(), 'Bearer open-sesame')
    expect(answer).toMatchObject({ status: 403, body: expect.stringContaining('admin.token') })
  })

  test.each([undefined, '', 'Bearer', 'Bearer wrong', 'Basic open-sesame', 'open-sesame', 'Bearer open-sesame x'])(
    'with %s: 401',
    async authorization => {
      const answer = await post(await running({ token }), authorization)
      expect(answer.status).toBe(401)
      expect(answer.headers['www-authenticate']).toBe('Bearer realm="portolan"')
    },
  )

  test('with the token: the report', async () => {
    const answer = await post(await running({ token }), 'Bearer open-sesame')
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.body)).toEqual({ outcome: 'unchanged', changes: [], warnings: [], errors: [] })
  })

  test('a refused one: 422 with the reasons; force takes a backend that is away', async () => {
    const config = echoConfig({ ...parts, admin: { address: LOOPBACK, token } })
    let next = config
    const app = createApp(config, { ...new Echo(), load: async () => next })
    apps.push(app)
    await app.start()
    next = echoConfig({
      ...parts,
      backends: { ...parts.backends, one: { label: 'x', reachable: false } },
      admin: { address: LOOPBACK, token },
    })
    const answer = await post(app, 'Bearer open-sesame')
    expect(answer.status).toBe(422)
    expect(JSON.parse(answer.body)).toMatchObject({
      outcome: 'refused',
      errors: [expect.stringContaining('backend one: x failed to connect')],
    })
    const forced = await post(app, 'Bearer open-sesame', '/reload?force')
    expect(forced.status).toBe(200)
    expect(JSON.parse(forced.body)).toMatchObject({ outcome: 'applied' })
  })

  test('a token that cannot be read: 500, and no page tells why', async () => {
    const answer = await post(await running({ token: { env: 'PORTOLAN_TEST_NO_SUCH' } }), 'Bearer x')
    expect(answer).toMatchObject({ status: 500, body: 'internal error; the log tells more\n' })
  })
})

describe('methods', () => {
  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('%s on a page: 405', async method => {
    const answer = await ask(await running(), '/config', { method })
    expect(answer.status).toBe(405)
    expect(answer.headers.allow).toBe('GET, HEAD')
  })

  test('GET on /reload: 405', async () => {
    const answer = await ask(await running(), '/reload')
    expect(answer.status).toBe(405)
    expect(answer.headers.allow).toBe('POST')
  })
})

describe('the Host header', () => {
  const withHost = (app: App, host: string) => ask(app, '/livez', { headers: { host } })

  test.each([
    'localhost',
    'LOCALHOST:1',
    '127.0.0.1',
    '127.8.9.1:80',
    '[::1]:9901',
    'metrics.internal',
    'Metrics.Internal:1',
  ])('%s is answered', async host => {
    expect((await withHost(await running({ allowedHosts: ['metrics.internal'] }), host)).status).toBe(200)
  })

  test.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'evil.example:9901',
    '127.0.0.1@evil.example',
    '10.0.0.1',
    '[::2]',
  ])('%j is not', async host => {
    const answer = await withHost(await running({ allowedHosts: ['metrics.internal'] }), host)
    expect(answer.status).toBe(421)
    expect(answer.body).toContain('admin.allowedHosts')
  })

  test('the address of the machine that was dialled is answered, on all interfaces', async () => {
    const app = await running({ address: { host: '0.0.0.0', port: 0 } })
    expect((await ask(app, '/livez', { host: '127.0.0.1' })).status).toBe(200)
    expect((await ask(app, '/livez', { host: '127.0.0.1', headers: { host: '10.9.8.7' } })).status).toBe(421)
    // As a kubelet asks: by the address of the Pod.
    const outer = Object.values(networkInterfaces())
      .flatMap(addresses => addresses ?? [])
      .find(({ family, internal }) => family === 'IPv4' && !internal)?.address
    if (outer) expect((await ask(app, '/livez', { host: outer })).status).toBe(200)
  })
})

describe('limits', () => {
  test('a head that is too large', async () => {
    const answer = await ask(await running(), '/livez', { headers: { 'x-large': 'x'.repeat(9000) } })
    expect(answer.status).toBe(431)
  })

  test.each(['Content-Length: 1000000', 'Transfer-Encoding: chunked'])('a body, %s: 413 and the end', async header => {
    const text = await converse(await running(), `POST /reload HTTP/1.1\r\nHost: localhost\r\n${header}\r\n\r\n1`)
    expect(text).toMatch(/^HTTP\/1.1 413 .*connection: close/is)
  })

  test('what is not HTTP is refused', async () => {
    expect(await converse(await running(), '*1\r\n$4\r\nPING\r\n')).toMatch(/^HTTP\/1.1 400 /)
  })

  test('an empty or missing Host is refused', async () => {
    const app = await running()
    expect(await converse(app, 'GET /livez HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1.1 421 /)
    expect(await converse(app, 'GET /livez HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /)
  })
})

/** Sends bytes as they are; resolves with all that comes until the other side ends the connection. */
async function converse(app: App, bytes: string): Promise<string> {
  const [host, port] = app.adminAddress!.split(':')
  const socket = connect({ host: host!, port: Number(port) })
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  socket.on('error', () => {})
  const ended = new Promise(resolve => socket.on('close', resolve))
  socket.write(bytes)
  await ended
  return text
}

describe('where', () => {
  test('a unix socket needs no Host, is for this user only, and may be left over from a dead process', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'portolan-admin-'))
    const path = join(folder, 'admin.sock')
    const crash = 'require("node:net").createServer().listen(process.argv[1], () => process.kill(process.pid, 9))'
    spawnSync(process.execPath, ['-e', crash, path])
    expect(statSync(path).isSocket()).toBe(true)
    const app = await running({ address: { path } })
    expect(app.adminAddress).toBe(path)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect((await ask(app, '/livez', { headers: { host: 'anything' } })).status).toBe(200)
    await app.close()
    rmSync(folder, { recursive: true })
  })

  test('it can be off, come, move, change and go by reloads', async () => {
    const app = await running({ address: undefined })
    expect(app.adminAddress).toBeUndefined()
    const reload = async (admin: Partial<AdminConfig>) => {
      const report = await app.reload(echoConfig({ ...parts, admin }))
      expect(report.outcome).toBe('applied')
      return report.changes.map(({ kind, action }) => `${kind} ${action}`)
    }
    expect(await reload({ address: LOOPBACK })).toEqual(['admin added'])
    const first = app.adminAddress
    expect(await reload({ address: LOOPBACK, allowedHosts: ['x'] })).toEqual(['admin updated'])
    expect(app.adminAddress).toBe(first)
    expect((await ask(app, '/livez', { headers: { host: 'x' } })).status).toBe(200)
    expect(await reload({ address: { host: 'localhost', port: 0 } })).toEqual(['admin replaced'])
    expect(app.adminAddress).not.toBe(first)
    await vi.waitFor(() => expect(fetch(`http://${first}/livez`)).rejects.toThrow('fetch failed'))
    expect((await ask(app, '/livez')).status).toBe(200)
    expect(await reload({ address: undefined })).toEqual(['admin removed'])
    expect(app.adminAddress).toBeUndefined()
  })
})
