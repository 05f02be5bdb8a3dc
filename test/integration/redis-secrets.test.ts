/** Passwords and tokens that change while clients are connected: towards the backend and of a listener's users. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Portolan, Rig, until } from '../support/portolan.ts'
import type { RespClient } from '../support/resp-client.ts'

const rig = new Rig()
let file: string
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'portolan-secrets-'))
  rig.onClose(() => rmSync(folder, { recursive: true }))
  file = join(folder, 'token')
  write('token-one')
})
afterEach(() => rig.close())

function write(content: string): void {
  writeFileSync(`${file}.new`, content, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

const logged = (portolan: Portolan, message: string) => portolan.log.some(line => line.message.includes(message))

describe('of the backend', () => {
  /** A server whose user `app` has the token in the file, and Portolan before it. */
  async function tokens(password: Readonly<Record<string, unknown>>) {
    const redis = await rig.redis()
    const root = await rig.client(redis.port)
    await root.call('ACL', 'SETUSER', 'app', 'on', '>token-one', 'allcommands', 'allkeys', 'allchannels')
    const portolan = await rig.portolan(redis.port, { backend: { credentials: { username: 'app', password } } })
    const client = await rig.client(portolan)
    expect(await client.call('SET', 'k', 'v')).toBe('OK')
    return { root, portolan, client }
  }

  /** Only the new token counts, and no connection survives. */
  async function rotateAtServer(root: RespClient): Promise<void> {
    await root.call('ACL', 'SETUSER', 'app', '<token-one', '>token-two')
    await root.call('CLIENT', 'KILL', 'USER', 'app')
  }

  const connections = async (root: RespClient) =>
    Array.from(String(await root.call('CLIENT', 'LIST')).matchAll(/^id=(\d+) .* user=app /gm), ([, id]) => id)

  const authentications = async (root: RespClient) =>
    Number(/cmdstat_auth:calls=(\d+)/.exec(String(await root.call('INFO', 'commandstats')))?.[1])

  test('a command is run again when its output is no longer good: connections are shown the new token', async () => {
    const { root, portolan, client } = await tokens({ command: ['cat', file], refresh: '1s' })
    const connected = await connections(root)
    expect(connected).not.toEqual([])
    const before = await authentications(root)
    await root.call('ACL', 'SETUSER', 'app', '>token-two')
    write('token-two')
    await until(async () => (await authentications(root)) > before)
    expect(logged(portolan, 'the password of the backend has changed')).toBe(true)
    expect(await connections(root)).toEqual(expect.arrayContaining(connected))
    await rotateAtServer(root)
    await until(async () => (await client.call('GET', 'k')) === 'v')
  })

  test('a command that fails leaves the last token in use', async () => {
    const { root, portolan, client } = await tokens({ command: ['cat', file], refresh: '1s' })
    rmSync(file)
    await until(() => logged(portolan, 'cannot be read again; the last one stays in use'))
    await root.call('CLIENT', 'KILL', 'USER', 'app')
    await until(async () => (await client.call('GET', 'k')) === 'v')
  })

  test('a token that is refused before its time makes the command run for the next attempt', async () => {
    const { root, client } = await tokens({ command: ['cat', file], refresh: '1h' })
    write('token-two')
    await rotateAtServer(root)
    await until(async () => (await client.call('GET', 'k')) === 'v')
  })

  test('a file is read for each new connection', async () => {
    const { root, client } = await tokens({ file })
    write('token-two')
    await rotateAtServer(root)
    await until(async () => (await client.call('GET', 'k')) === 'v')
  })
})

describe('of a user', () => {
  async function users(password: Readonly<Record<string, unknown>>) {
    const redis = await rig.redis()
    const portolan = await rig.portolan(redis.port, { listener: { users: [{ name: 'default', password }] } })
    const client = await rig.client(portolan)
    expect(await client.call('AUTH', 'token-one')).toBe('OK')
    return { portolan, client, authenticate: async (word: string) => (await rig.client(portolan)).call('AUTH', word) }
  }

  test('in a file that changes: new clients need the new one, the others go on', async () => {
    const { client, authenticate } = await users({ file })
    write('token-two')
    await until(async () => (await authenticate('token-two')) === 'OK')
    expect(String(await authenticate('token-one'))).toMatch(/WRONGPASS/)
    expect(await client.call('PING')).toBe('PONG')
  })

  test('is read again at a reload that changes nothing else', async () => {
    const { portolan, client, authenticate } = await users({ command: ['cat', file] })
    write('token-two')
    expect(await authenticate('token-one')).toBe('OK')
    await portolan.reload({})
    expect(await authenticate('token-two')).toBe('OK')
    expect(String(await authenticate('token-one'))).toMatch(/WRONGPASS/)
    expect(await client.call('PING')).toBe('PONG')
  })

  test('stays when a reload cannot read it', async () => {
    const { portolan, authenticate } = await users({ command: ['cat', file] })
    rmSync(file)
    await portolan.reload({})
    expect(logged(portolan, 'the password of user default cannot be read again')).toBe(true)
    expect(await authenticate('token-one')).toBe('OK')
  })
})
