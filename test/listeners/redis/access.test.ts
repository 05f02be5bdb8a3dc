/** Who may do what: users, limits before authentication, refused commands, credentials towards the backend. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Rig, until } from '../../support/portolan.ts'
import { type RedisServer, startRedis } from '../../support/redis-server.ts'
import { type Argument, type RespClient, request } from '../../support/resp-client.ts'

let redis: RedisServer
let locked: RedisServer
const rig = new Rig()
beforeAll(async () => {
  redis = await startRedis()
  locked = await startRedis({ password: 'backend-secret' })
})
afterAll(() => Promise.all([redis.stop(), locked.stop()]))
beforeEach(async () => {
  process.env['TEST_DEFAULT_PASSWORD'] = 'default-secret'
  process.env['TEST_ALICE_PASSWORD'] = 'alice-secret'
  process.env['TEST_BACKEND_PASSWORD'] = 'backend-secret'
  await (await rig.client(redis.port)).call('FLUSHALL')
})
afterEach(() => rig.close())

const users = [
  { name: 'default', password: { env: 'TEST_DEFAULT_PASSWORD' } },
  { name: 'alice', password: { env: 'TEST_ALICE_PASSWORD' } },
]

describe('users', () => {
  test('every request before AUTH is refused as by a Redis with the same password, and AUTH lets it in', async () => {
    const portolan = await rig.portolan(redis.port, { listener: { users } })
    const direct = await rig.redis({ password: 'default-secret' })
    const commands: (readonly Argument[])[] = [
      ['GET', 'k'],
      ['PING'],
      ['MULTI'],
      ['SUBSCRIBE', 'c'],
      ['CLIENT', 'ID'],
      ['HELLO', 3, 'AUTH', 'default', 'wrong'],
      ['AUTH', 'wrong'],
      ['AUTH', 'alice', 'wrong'],
      ['AUTH', 'nobody', 'default-secret'],
      ['AUTH', 'default-secret'],
      ['SET', 'k', 'v'],
      ['ACL', 'WHOAMI'],
    ]
    const [ours, theirs] = [await rig.client(portolan), await rig.client(direct.port)]
    // Its text differs between versions of Redis.
    expect(String(await ours.call('HELLO', 3))).toMatch(
      /NOAUTH HELLO must be called with the client already authenticated/,
    )
    for (const command of commands)
      expect(await ours.call(...command), command.join(' ')).toEqual(await theirs.call(...command))
  })

  test('HELLO may authenticate, choose RESP3 and set the name at once', async () => {
    const portolan = await rig.portolan(redis.port, { listener: { users } })
    const client = await rig.client(portolan)
    const reply = await client.call('HELLO', 3, 'AUTH', 'alice', 'alice-secret', 'SETNAME', 'a')
    expect((reply as Map<string, unknown>).get('proto')).toBe(3)
    expect(String(await client.call('CLIENT', 'INFO'))).toMatch(/name=a .*user=alice/)
  })

  test('AUTH in a pipeline counts from there on, and RESET logs out', async () => {
    const portolan = await rig.portolan(redis.port, { listener: { users } })
    const client = await rig.client(portolan)
    const replies = await client.pipeline([
      ['GET', 'k'],
      ['AUTH', 'alice', 'alice-secret'],
      ['SET', 'k', 'v'],
      ['AUTH', 'alice', 'wrong'],
      ['GET', 'k'],
      ['RESET'],
      ['GET', 'k'],
    ])
    expect(replies.map(String)).toEqual([
      'ReplyError: NOAUTH Authentication required.',
      'OK',
      'OK',
      'ReplyError: WRONGPASS invalid username-password pair or user is disabled.',
      'v',
      'RESET',
      'ReplyError: NOAUTH Authentication required.',
    ])
  })

  test('rules limit commands, keys and channels of a user in the words of Redis', async () => {
    const rules = ['+@read', '+set', '+publish', '+subscribe', '-get', '~app:*', '&news.*']
    const portolan = await rig.portolan(redis.port, {
      listener: { users: [...users, { name: 'bob', password: { env: 'TEST_ALICE_PASSWORD' }, rules }] },
    })
    const server = await rig.client(redis.port)
    await server.call('ACL', 'SETUSER', 'bob', 'on', '>alice-secret', 'resetchannels', ...rules)
    const [ours, theirs] = [await rig.client(portolan), await rig.client(redis.port)]
    for (const command of [
      ['AUTH', 'bob', 'alice-secret'],
      ['SET', 'app:k', 'v'],
      ['SET', 'other', 'v'],
      ['STRLEN', 'app:k'],
      ['MGET', 'app:k', 'app:x'],
      ['MGET', 'app:k', 'x'],
      ['GET', 'app:k'],
      ['DEL', 'app:k'],
      ['FLUSHALL'],
      ['CONFIG', 'GET', 'maxmemory'],
      ['PUBLISH', 'news.a', 'm'],
      ['PUBLISH', 'x', 'm'],
      ['SUBSCRIBE', 'x'],
    ])
      expect(await ours.call(...command), command.join(' ')).toEqual(await theirs.call(...command))
    // Unlike Redis, which knows all its commands: one that is new to us might be one that the rules are about.
    expect(String(await ours.call('NOSUCHCOMMAND'))).toMatch(/NOPERM/)
    await server.call('ACL', 'DELUSER', 'bob')
  })

  test('a client that does not authenticate in time is closed, one that does is not', async () => {
    const portolan = await rig.portolan(redis.port, { listener: { users, authenticationTimeout: '300ms' } })
    const [silent, talking, good] = await rig.clients(3, portolan)
    await good!.call('AUTH', 'default-secret')
    expect(String(await talking!.call('PING'))).toContain('NOAUTH')
    await Promise.all([silent!.closed, talking!.closed])
    expect(await good!.call('PING')).toBe('PONG')
  })
})

describe('before authentication', () => {
  /** What comes back for raw bytes until the peer closes, or null if it does not. */
  async function raw(client: RespClient, bytes: string | Uint8Array): Promise<string[]> {
    client.write(bytes)
    await client.closed
    const replies: string[] = []
    while (client.unread > 0) replies.push(String(await client.next()))
    return replies
  }

  test.each([
    ['eleven arguments', '*11\r\n', 'ReplyError: ERR Protocol error: unauthenticated multibulk length'],
    ['a bulk of 16,385 bytes', '*1\r\n$16385\r\n', 'ReplyError: ERR Protocol error: unauthenticated bulk length'],
    ['an inline line without end', 'x'.repeat(70_000), 'ReplyError: ERR Protocol error: too big inline request'],
  ])('%s are refused and the connection closed', async (_, bytes, reply) => {
    const portolan = await rig.portolan(redis.port, { listener: { users } })
    expect(await raw(await rig.client(portolan), bytes)).toEqual([reply])
  })

  test('the limits are those of each client, however their requests interleave', async () => {
    const portolan = await rig.portolan(redis.port, { listener: { users } })
    const [known, stranger] = await rig.clients(2, portolan)
    await known!.call('AUTH', 'default-secret')
    const value = 'v'.repeat(20_000)
    const whole = request('SET', 'k', value)
    const foreign = request('GET', 'k')
    // Halves of a large request of the one, and pieces of a small one of the other in between.
    known!.write(whole.subarray(0, 20))
    for (const byte of foreign) {
      stranger!.write(Uint8Array.of(byte))
      await new Promise(resolve => setImmediate(resolve))
    }
    expect(String(await stranger!.next())).toMatch(/NOAUTH/)
    stranger!.write('*2\r\n$3\r\nGET\r\n')
    known!.write(whole.subarray(20, 10_000))
    stranger!.write('$1')
    known!.write(whole.subarray(10_000))
    expect(await known!.next()).toBe('OK')
    stranger!.write('6385\r\n')
    expect(String(await stranger!.next())).toMatch(/unauthenticated bulk length/)
    await stranger!.closed
    expect(await known!.call('GET', 'k')).toBe(value)
  })

  test('no more than a kilobyte of replies leaves', async () => {
    const portolan = await rig.portolan(redis.port, { listener: { users } })
    const client = await rig.client(portolan)
    client.write(Buffer.concat(Array.from({ length: 10_000 }, () => request('PING'))))
    await client.closed
    expect(client.socket.bytesRead).toBeLessThan(1500)
    expect(client.socket.bytesRead).toBeGreaterThan(0)
  })

  test('HTTP gets no answer at all', async () => {
    const portolan = await rig.portolan(redis.port)
    const client = await rig.client(portolan)
    expect(await raw(client, 'POST / HTTP/1.1\r\nHost: localhost\r\n\r\nSET k v\r\n')).toEqual([])
    expect(client.socket.bytesRead).toBe(0)
  })
})

describe('deny', () => {
  test('refuses commands, subcommands and categories by name, whole transactions included, and nothing else', async () => {
    const portolan = await rig.portolan(redis.port, {
      listener: { deny: ['flushall', 'config|set', '@scripting', 'blpop'] },
    })
    const client = await rig.client(portolan)
    const refused = (name: string) => `ReplyError: NOPERM this listener does not permit the '${name}' command`
    const replies = await client.pipeline([
      ['SET', 'k', 'v'],
      ['FLUSHALL'],
      ['flushall', 'ASYNC'],
      ['CONFIG', 'SET', 'maxmemory-samples', '3'],
      ['CONFIG', 'GET', 'maxmemory-samples'],
      ['EVAL', 'return 1', '0'],
      ['SCRIPT', 'FLUSH'],
      ['BLPOP', 'k', '0'],
      ['GET', 'k'],
    ])
    expect(replies.map(String)).toEqual([
      'OK',
      refused('flushall'),
      refused('flushall'),
      refused('config|set'),
      'maxmemory-samples,5',
      refused('eval'),
      expect.stringMatching(/NOPERM this listener does not permit the 'script(\|flush)?' command/),
      refused('blpop'),
      'v',
    ])
    const block = await client.pipeline([['MULTI'], ['SET', 'k', 'w'], ['FLUSHALL'], ['EXEC'], ['GET', 'k']])
    expect(block.slice(0, 3).map(String)).toEqual(['OK', 'QUEUED', refused('flushall')])
    // As after any error while queueing.
    expect(block.slice(3).map(String)).toEqual([
      'ReplyError: EXECABORT Transaction discarded because of previous errors.',
      'v',
    ])
    client.write('FLUSHALL\r\n')
    expect(String(await client.next())).toBe(refused('flushall'))
  })
})

describe('credentials towards the backend', () => {
  test('are sent on every connection; clients need none', async () => {
    const portolan = await rig.portolan(locked.port, {
      backend: { credentials: { password: { env: 'TEST_BACKEND_PASSWORD' } } },
    })
    const client = await rig.client(portolan)
    expect(await client.call('SET', 'k', 'v')).toBe('OK')
    expect(await client.call('WATCH', 'k')).toBe('OK')
    expect(await client.call('UNWATCH')).toBe('OK')
    expect(await client.call('SUBSCRIBE', 'c')).toEqual(['subscribe', 'c', 1])
  })

  test('may name an ACL user', async () => {
    const admin = await rig.client(locked.port)
    await admin.call('AUTH', 'backend-secret')
    await admin.call('ACL', 'SETUSER', 'sidecar', 'on', '>alice-secret', '~*', '&*', '+@all', '-flushall')
    const portolan = await rig.portolan(locked.port, {
      backend: { credentials: { username: 'sidecar', password: { env: 'TEST_ALICE_PASSWORD' } } },
    })
    const client = await rig.client(portolan)
    expect(await client.call('ACL', 'WHOAMI')).toBe('sidecar')
    expect(String(await client.call('FLUSHALL'))).toMatch(/NOPERM/)
  })

  test('that are wrong or missing leave the backend down and the reason in its status, clients are told', async () => {
    process.env['TEST_WRONG_PASSWORD'] = 'guess'
    for (const credentials of [{ password: { env: 'TEST_WRONG_PASSWORD' } }, undefined]) {
      const portolan = await rig.portolan(locked.port, { backend: credentials ? { credentials } : {} })
      const client = await rig.client(portolan)
      await until(() => portolan.status().state === 'down')
      expect(portolan.status().lastError).toMatch(/credentials/)
      const reply = String(await client.call('GET', 'k'))
      expect(reply).toMatch(/ERR upstream unavailable/)
      expect(reply + JSON.stringify([portolan.status(), portolan.log])).not.toContain('guess')
    }
  })

  test('that rotate are read again for new connections', async () => {
    const own = await rig.redis({ password: 'first' })
    const file = join(own.dir, 'password')
    writeFileSync(file, 'first\n', { mode: 0o600 })
    const portolan = await rig.portolan(own.port, { backend: { credentials: { password: { file } } } })
    const client = await rig.client(portolan)
    expect(await client.call('SET', 'k', 'v')).toBe('OK')
    const admin = await rig.client(own.port)
    await admin.call('AUTH', 'first')
    await admin.call('CONFIG', 'SET', 'requirepass', 'second')
    writeFileSync(file, 'second\n')
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    await until(async () => (await client.call('GET', 'k')) === 'v')
  })
})
