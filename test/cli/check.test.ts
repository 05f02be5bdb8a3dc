import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod/mini'
import { mysqlBackendKind } from '../../src/backends/mysql/index.ts'
import { tcpBackendKind } from '../../src/backends/tcp/index.ts'
import { runCheck } from '../../src/cli/check.ts'
import { runSchema } from '../../src/cli/schema.ts'
import { address, type Registry } from '../../src/config/index.ts'
import { ProxyError } from '../../src/errors.ts'
import type { BackendKind, ProbeReport } from '../../src/protocol.ts'

let folder: string
let server: Server
let port: number
let closedPort: number

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portolan-check-'))
  server = createServer().listen(0, '127.0.0.1')
  const other = createServer().listen(0, '127.0.0.1')
  await Promise.all([once(server, 'listening'), once(other, 'listening')])
  port = (server.address() as AddressInfo).port
  closedPort = (other.address() as AddressInfo).port
  other.close()
  await once(other, 'close')
})
afterAll(async () => {
  server.close()
  await rm(folder, { recursive: true })
})

/** Reports whatever the test wants to see printed. */
function reporting(report: ProbeReport): BackendKind {
  return {
    protocol: 'fixed',
    options: z.strictObject({ endpoints: z.array(address()) }),
    build: config => ({
      name: config.name,
      start: async () => expect.fail('a check starts nothing'),
      probe: async () => report,
      status: () => ({ state: 'connecting', endpoints: [] }),
      close: async () => {},
    }),
  }
}

const broken: BackendKind = {
  protocol: 'broken',
  options: z.strictObject({}),
  build() {
    throw new ProxyError('tls-files', 'ca.pem cannot be read', { source: 'portolan' })
  },
}

async function check(yaml: string, options: { probe?: boolean; json?: boolean; kinds?: BackendKind[] } = {}) {
  const { probe = false, json = false, kinds = [tcpBackendKind] } = options
  const file = join(folder, 'p.yaml')
  await writeFile(file, yaml)
  let text = ''
  const out = { write: (part: string) => (text += part) }
  const registry: Registry = { protocols: [], backendKinds: kinds, componentKinds: [] }
  const code = await runCheck({ files: [file], probe, json, registry, out })
  return { code, text: text.replaceAll(file, 'p.yaml') }
}

const backend = (protocol: string, ...ports: number[]) =>
  `admin: { address: false }\nbackends:\n  b: { protocol: ${protocol}, endpoints: [${ports.map(p => `127.0.0.1:${p}`)}] }\n`

describe('check', () => {
  it('says what is valid', async () => {
    const { code, text } = await check('listeners: {}\n')
    expect(code).toBe(0)
    expect(text).toMatch(/^√ p\.yaml: valid, 0 listeners, 0 backends, 1 warning$/m)
  })

  it('shows all problems and counts them', async () => {
    const { code, text } = await check('lisseners: {}\nlog: { level: loud }\n')
    expect(code).toBe(1)
    expect(text).toContain('p.yaml:1:1: lisseners is not known here; did you mean "listeners"?')
    expect(text).toMatch(/\n× 2 problems\n$/)
  })

  it('warns of secrets whose files are not there', async () => {
    const missing = join(folder, 'secret')
    const yaml = `${backend('mysql', port).trimEnd().slice(0, -1)}, credentials: { username: a, password: { file: ${missing} } } }\n`
    const { code, text } = await check(yaml, { kinds: [mysqlBackendKind] })
    expect(code).toBe(0)
    expect(text).toContain(`backends.b.credentials.password.file ${missing} is not there on this machine: write the`)
    await writeFile(missing, 'secret', { mode: 0o600 })
    expect((await check(yaml, { kinds: [mysqlBackendKind] })).text).not.toContain('is not there')
  })

  it('gives problems as data', async () => {
    const { code, text } = await check('log: { level: loud }\n', { json: true })
    expect(code).toBe(1)
    expect(JSON.parse(text)).toMatchObject({ ok: false, problems: [{ line: 1, path: 'log.level', found: '"loud"' }] })
  })
})

describe('check --probe', () => {
  it('visits each endpoint', async () => {
    const { code, text } = await check(backend('tcp', port), { probe: true })
    expect(code).toBe(0)
    expect(text).toMatch(new RegExp(`\\nbackend b \\(tcp\\)\\n {2}√ 127\\.0\\.0\\.1:${port} {2}[\\d.]+ ms`))
  })

  it('tells stage, cause and next step of a failure', async () => {
    const { code, text } = await check(backend('tcp', port, closedPort), { probe: true })
    expect(code).toBe(3)
    expect(text).toMatch(new RegExp(`√ 127\\.0\\.0\\.1:${port} `))
    expect(text).toMatch(new RegExp(`× 127\\.0\\.0\\.1:${closedPort} {2}connect: .+\\n {6}\\w+`))
  })

  it('gives the reports as data', async () => {
    const { code, text } = await check(backend('tcp', closedPort), { probe: true, json: true })
    expect(code).toBe(3)
    expect(JSON.parse(text)).toMatchObject({
      ok: false,
      problems: [],
      backends: { b: { protocol: 'tcp', ok: false, endpoints: [{ ok: false, failure: { stage: 'connect' } }] } },
    })
  })

  it('prints version, latency, topology and further facts', async () => {
    const facts = { tls: 'TLSv1.3' }
    const endpoint = {
      address: 'h:1',
      ok: true,
      version: 'redis 7.0.15',
      latencyMs: 0.42,
      topology: 'standalone',
      facts,
    }
    const kinds = [reporting({ ok: true, endpoints: [endpoint] })]
    const { code, text } = await check(backend('fixed', 1), { probe: true, kinds })
    expect(code).toBe(0)
    expect(text).toContain('backend b (fixed)\n  √ h:1  redis 7.0.15, 0.4 ms, standalone\n      tls: TLSv1.3\n')
  })

  it('reports a backend that cannot be built', async () => {
    const yaml = 'admin: { address: false }\nbackends:\n  b: { protocol: broken }\n'
    const { code, text } = await check(yaml, { probe: true, kinds: [broken] })
    expect(code).toBe(3)
    expect(text).toContain('backend b (broken)\n  × cannot be built: ca.pem cannot be read\n')
  })
})

describe('schema', () => {
  it('prints a JSON Schema with every kind of backend', () => {
    let text = ''
    const code = runSchema({
      registry: { protocols: [], backendKinds: [tcpBackendKind], componentKinds: [] },
      out: { write: t => (text += t) },
    })
    expect(code).toBe(0)
    expect(JSON.parse(text).properties.backends.additionalProperties.oneOf[0].properties.protocol.const).toBe('tcp')
  })
})
