/** What a client is told about its own connection is true for that client, however few connections lie behind it. */
import { describe, expect, test } from 'vitest'
import { until } from '../../support/portolan.ts'
import { RedisRig } from '../../support/redis-rig.ts'
import type { Argument, RespClient } from '../../support/resp-client.ts'

const rig = new RedisRig()

const open = () => rig.client(rig.proxied)

/** Fields of a line of CLIENT LIST. */
function fields(line: unknown): Record<string, string> {
  return Object.fromEntries(
    String(line)
      .trim()
      .split(' ')
      .map(field => field.split(/=(.*)/s).slice(0, 2) as [string, string]),
  )
}

describe('one port', () => {
  test('serves RESP2, RESP3 and inline clients side by side, each in its own form', async () => {
    await rig.direct.call('HSET', 'h', 'f', 'v')
    const [two, three, inline] = await Promise.all([open(), open(), open()])
    await three.hello3()
    const rounds = Array.from({ length: 20 }, async () => {
      two.send('HGETALL', 'h')
      three.send('HGETALL', 'h')
      inline.write('hgetall h\r\n')
      expect(await two.next()).toEqual(['f', 'v'])
      expect(await three.next()).toEqual(new Map([['f', 'v']]))
      expect(await inline.next()).toEqual(['f', 'v'])
    })
    await Promise.all(rounds)
  })

  test('takes inline requests with quotes and escapes, between others, and skips empty ones', async () => {
    const client = await open()
    client.write('\r\nSET k "a\\x41 \\"b\\""\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*0\r\n\r\n  get   k  \r\n')
    expect(await client.take(3)).toEqual(['OK', 'aA "b"', 'aA "b"'])
  })

  test('answers null, true and big results of RESP3 as the backend does', async () => {
    const client = await (await open()).hello3()
    await rig.direct.hello3()
    for (const command of [
      ['GET', 'none'],
      ['ZADD', 'z', '1.5', 'm'],
      ['ZSCORE', 'z', 'm'],
      ['ZRANGE', 'z', '0', '-1', 'WITHSCORES'],
      ['DEBUG', 'PROTOCOL', 'true'],
      ['DEBUG', 'PROTOCOL', 'bignum'],
      ['DEBUG', 'PROTOCOL', 'attrib'],
      ['DEBUG', 'PROTOCOL', 'verbatim'],
      ['DEBUG', 'PROTOCOL', 'map'],
      ['SMEMBERS', 'none'],
    ]) {
      await rig.direct.call('DEL', 'z')
      if (command[0]?.startsWith('Z')) await rig.direct.call('ZADD', 'z', '1', 'm')
      const proxied = await client.call(...command)
      if (command[0] === 'ZADD') await rig.direct.call('ZADD', 'z', '1', 'm')
      expect(proxied, command.join(' ')).toEqual(await rig.direct.call(...command))
    }
  })

  test('lets a client that closes its side read every reply first', async () => {
    const client = await open()
    const requests = Array.from({ length: 50 }, (_, i) => ['ECHO', i] as const)
    const replies = client.pipeline(requests)
    client.socket.end()
    expect(await replies).toEqual(requests.map(([, i]) => String(i)))
    expect(await client.closed).toBe('end')
  })
})

describe('errors in the words of Redis', () => {
  const commands: (readonly Argument[])[] = [
    ['NOSUCHCOMMAND'],
    ['NOSUCHCOMMAND', 'a', 'b', 'c'],
    ['FT.SEARCH', 'idx', '*'],
    ['JSON.SET', 'doc', '$', '{}'],
    ['x'.repeat(300), 'y'.repeat(300)],
    ['GET'],
    ['GET', 'a', 'b'],
    ['SELECT', '16'],
    ['SELECT', 'x'],
    ['SELECT'],
    ['SELECT', '-1'],
    ['HELLO', '1'],
    ['HELLO', '4'],
    ['HELLO', 'x'],
    ['HELLO', '2', 'NOPE'],
    ['HELLO', '2', 'SETNAME', 'a b'],
    ['HELLO', '3', 'AUTH', 'nobody', 'wrong'],
    ['AUTH'],
    ['AUTH', 'x'],
    ['AUTH', 'nobody', 'x'],
    ['AUTH', 'a', 'b', 'c'],
    ['CLIENT'],
    ['CLIENT', 'NOPE'],
    ['CLIENT', 'SETNAME'],
    ['CLIENT', 'SETNAME', 'a b'],
    ['CLIENT', 'ID', 'x'],
    ['CLIENT', 'LIST', 'TYPE', 'x'],
    ['CLIENT', 'LIST', 'ID', 'x'],
    ['CLIENT', 'LIST', 'NOPE'],
    ['CLIENT', 'KILL', '1.2.3.4:5'],
    ['CLIENT', 'KILL', 'ID', 'x'],
    ['CLIENT', 'KILL', 'ID', '0'],
    ['CLIENT', 'KILL', 'TYPE', 'x'],
    ['CLIENT', 'KILL', 'USER', 'nobody'],
    ['CLIENT', 'KILL', 'SKIPME', 'maybe'],
    ['CLIENT', 'REPLY', 'MAYBE'],
    ['CLIENT', 'NO-EVICT', 'MAYBE'],
    ['CLIENT', 'UNBLOCK', 'x'],
    ['CLIENT', 'UNBLOCK', '1', 'x'],
    ['CLIENT', 'TRACKING', 'MAYBE'],
    ['CLIENT', 'CACHING', 'YES'],
    ['CLIENT', 'GETREDIR'],
    ['EXEC'],
    ['DISCARD'],
    ['MULTI', 'x'],
    ['WATCH'],
    ['UNWATCH', 'x'],
    ['RESET', 'x'],
    ['PING', 'a', 'b'],
    ['ECHO'],
    ['SUBSCRIBE'],
    ['PSUBSCRIBE'],
    ['SSUBSCRIBE'],
    ['PUBLISH', 'c'],
    ['PUBSUB', 'NOPE'],
    ['BLPOP', 'k', 'x'],
    ['BLPOP', 'k'],
    ['BLPOP', 'k', '-1'],
    ['WAIT', 'x', 'y'],
    ['WAIT', '0'],
    ['XREAD', 'BLOCK'],
    ['XREAD', 'STREAMS', 's'],
    ['XREAD', 'BLOCK', 'x', 'STREAMS', 's', '$'],
    ['SCRIPT', 'DEBUG', 'MAYBE'],
    ['EVAL', 'nonsense(', '0'],
    ['CONFIG', 'SET', 'nope', '1'],
    ['DEBUG', 'NOPE'],
    ['OBJECT', 'NOPE'],
    ['CLUSTER', 'INFO'],
  ]
  test.each([2, 3])('RESP%d: every refused request has the same reply as direct', async protocol => {
    const client = await open()
    if (protocol === 3) for (const each of [client, rig.direct]) await each.hello3()
    const different: unknown[] = []
    for (const command of commands) {
      const [proxied, expected] = await Promise.all([client.call(...command), rig.direct.call(...command)])
      try {
        expect(proxied).toEqual(expected)
      } catch {
        different.push({
          command: command.join(' ').slice(0, 60),
          proxied: String(proxied),
          expected: String(expected),
        })
      }
    }
    expect(different).toEqual([])
    expect(await client.call('PING')).toBe('PONG')
  })
})

describe('HELLO', () => {
  test('tells server, version, protocol and an id of the client’s own, and may set the name', async () => {
    const [a, b] = await Promise.all([open(), open()])
    const hello = (await a.call('HELLO', 3, 'SETNAME', 'worker')) as Map<string, unknown>
    const told = (await rig.direct.call('HELLO', 3)) as Map<string, unknown>
    expect([...hello.keys()]).toEqual([...told.keys()])
    for (const key of ['server', 'version', 'proto', 'mode', 'role', 'modules'])
      expect(hello.get(key)).toEqual(told.get(key))
    expect(hello.get('id')).toBe(await a.call('CLIENT', 'ID'))
    expect(hello.get('id')).not.toBe(await b.call('CLIENT', 'ID'))
    expect(await a.call('CLIENT', 'GETNAME')).toBe('worker')
    expect(await b.call('CLIENT', 'GETNAME')).toBe(null)
  })

  test('switches between the protocols and back, in the middle of a pipeline', async () => {
    await rig.direct.call('HSET', 'h', 'f', 'v')
    const client = await open()
    const replies = await client.pipeline([
      ['HGETALL', 'h'],
      ['HELLO', 3],
      ['HGETALL', 'h'],
      ['HELLO', 2],
      ['HGETALL', 'h'],
      ['GET', 'none'],
    ])
    expect(replies[0]).toEqual(['f', 'v'])
    expect((replies[1] as Map<string, unknown>).get('proto')).toBe(3)
    expect(replies[2]).toEqual(new Map([['f', 'v']]))
    expect(replies[3]).toContain('proto')
    expect(replies.slice(4)).toEqual([['f', 'v'], null])
  })
})

describe('SELECT', () => {
  test('gives each client the database that it chose, also in the middle of a pipeline', async () => {
    const clients = await rig.clients(6, rig.proxied)
    await Promise.all(
      clients.map(async (client, database) => {
        for (let round = 0; round < 10; round++) {
          const replies = await client.pipeline([
            ['SELECT', database],
            ['SET', 'k', `${database}`],
            ['GET', 'k'],
            ['SELECT', 9],
            ['INCR', 'shared'],
            ['SELECT', database],
            ['GET', 'k'],
          ])
          expect([...replies.slice(0, 4), ...replies.slice(5)]).toEqual([
            'OK',
            'OK',
            `${database}`,
            'OK',
            'OK',
            `${database}`,
          ])
        }
      }),
    )
    await rig.direct.call('SELECT', 9)
    expect(await rig.direct.call('GET', 'shared')).toBe('60')
  })

  test('RESET leads back to database 0, RESP2 and no name', async () => {
    const client = await open()
    await client.pipeline([
      ['HELLO', 3, 'SETNAME', 'x'],
      ['SELECT', 5],
      ['SET', 'k', 'five'],
    ])
    expect(await client.call('RESET')).toBe('RESET')
    expect(
      await client.pipeline([
        ['GET', 'k'],
        ['CLIENT', 'GETNAME'],
        ['HGETALL', 'none'],
      ]),
    ).toEqual([null, null, []])
  })
})

describe('CLIENT', () => {
  test('SETNAME, SETINFO, SELECT and HELLO show in the LIST of all clients, and INFO is one’s own line', async () => {
    const [a, b] = await Promise.all([open(), open()])
    await a.pipeline([
      ['CLIENT', 'SETNAME', 'alpha'],
      ['CLIENT', 'SETINFO', 'LIB-NAME', 'testlib'],
      ['CLIENT', 'SETINFO', 'LIB-VER', '1.2.3'],
      ['SELECT', 3],
      ['HELLO', 3],
    ])
    const id = String(await a.call('CLIENT', 'ID'))
    const list = String(await b.call('CLIENT', 'LIST'))
      .trim()
      .split('\n')
      .map(fields)
    expect(list).toHaveLength(2)
    const line = list.find(each => each['id'] === id)!
    expect(line).toMatchObject({ name: 'alpha', 'lib-name': 'testlib', 'lib-ver': '1.2.3', db: '3', resp: '3' })
    expect(line['addr']).toBe(`127.0.0.1:${a.socket.localPort}`)
    expect(line['laddr']).toBe(`127.0.0.1:${rig.proxied.port()}`)
    expect(fields(await a.call('CLIENT', 'INFO'))['id']).toBe(id)
    expect(
      String(await b.call('CLIENT', 'LIST', 'ID', id))
        .trim()
        .split('\n'),
    ).toHaveLength(1)
    expect(String(await b.call('CLIENT', 'LIST', 'TYPE', 'pubsub'))).toBe('')
  })

  test('LIST has the fields of the server’s own, in its order', async () => {
    const client = await open()
    const own = Object.keys(fields(await client.call('CLIENT', 'INFO')))
    const server = Object.keys(fields(await rig.direct.call('CLIENT', 'INFO')))
    expect(own.filter(name => server.includes(name))).toEqual(server)
  })

  test('names what a client ran last, and how long it has been there', async () => {
    const [a, b] = await Promise.all([open(), open()])
    const id = Number(await a.call('CLIENT', 'ID'))
    await a.call('SET', 'k', 'v')
    expect(fields(await b.call('CLIENT', 'LIST', 'ID', id))['cmd']).toBe('set')
    expect(fields(await b.call('CLIENT', 'INFO'))['cmd']).toBe('client|info')
  })

  test('NO-EVICT, NO-TOUCH and MAINT_NOTIFICATIONS answer OK', async () => {
    const client = await open()
    for (const command of [
      ['CLIENT', 'NO-EVICT', 'ON'],
      ['CLIENT', 'NO-EVICT', 'off'],
      ['CLIENT', 'NO-TOUCH', 'ON'],
      ['CLIENT', 'NO-TOUCH', 'OFF'],
      ['CLIENT', 'MAINT_NOTIFICATIONS', 'ON', 'moving-endpoint-type', 'none'],
      ['CLIENT', 'MAINT_NOTIFICATIONS', 'OFF'],
    ])
      expect(await client.call(...command), command.join(' ')).toBe('OK')
  })

  test('KILL ends the clients that fit, never the connections behind them', async () => {
    const [killer, byId, byAddress, byOldForm, other] = await rig.clients(5, rig.proxied)
    const id = Number(await byId!.call('CLIENT', 'ID'))
    await byAddress!.call('PING')
    expect(await killer!.call('CLIENT', 'KILL', 'ID', id)).toBe(1)
    expect(await killer!.call('CLIENT', 'KILL', 'ADDR', `127.0.0.1:${byAddress!.socket.localPort}`)).toBe(1)
    expect(await killer!.call('CLIENT', 'KILL', `127.0.0.1:${byOldForm!.socket.localPort}`)).toBe('OK')
    await Promise.all([byId!.closed, byAddress!.closed, byOldForm!.closed])
    expect(await killer!.call('CLIENT', 'KILL', 'ID', id)).toBe(0)
    expect(await other!.call('PING')).toBe('PONG')
    expect(await killer!.call('CLIENT', 'KILL', 'TYPE', 'normal')).toBe(1)
    await other!.closed
    expect(await killer!.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'no')).toBe(1)
    expect(await killer!.closed).toBe('end')
    expect(rig.proxied.connections()).toBe(0)
  })

  test('REPLY OFF and SKIP silence exactly what Redis silences, local and forwarded', async () => {
    const client = await open()
    const commands: (readonly Argument[])[] = [
      ['ECHO', '1'],
      ['CLIENT', 'REPLY', 'SKIP'],
      ['ECHO', 'skipped'],
      ['ECHO', '2'],
      ['CLIENT', 'REPLY', 'SKIP'],
      ['CLIENT', 'GETNAME'],
      ['CLIENT', 'GETNAME'],
      ['CLIENT', 'REPLY', 'OFF'],
      ['SET', 'k', 'v'],
      ['NOSUCHCOMMAND'],
      ['CLIENT', 'ID'],
      ['SELECT', '1'],
      ['SET', 'k', 'one'],
      ['CLIENT', 'REPLY', 'SKIP'],
      ['ECHO', 'still off'],
      ['CLIENT', 'REPLY', 'ON'],
      ['GET', 'k'],
      ['WATCH', 'k'],
      ['CLIENT', 'REPLY', 'OFF'],
      ['SELECT', '2'],
      ['CLIENT', 'REPLY', 'ON'],
      ['GET', 'k'],
      ['ECHO', 'end'],
    ]
    const replies = async (who: RespClient) => {
      for (const command of commands) who.send(...command)
      const all: unknown[] = []
      while (all.at(-1) !== 'end') all.push(await who.next())
      return all
    }
    const expected = await replies(rig.direct)
    expect(expected).toEqual(['1', '2', null, 'OK', 'one', 'OK', 'OK', null, 'end'])
    expect(await replies(client)).toEqual(expected)
  })

  test('QUIT answers OK behind what came before it, and closes', async () => {
    const client = await open()
    client.send('SET', 'k', 'v')
    client.send('QUIT')
    client.send('SET', 'k', 'never')
    expect(await client.take(2)).toEqual(['OK', 'OK'])
    expect(await client.closed).toBe('end')
    expect(await rig.direct.call('GET', 'k')).toBe('v')
    await until(() => rig.proxied.connections() === 0)
  })
})

describe('order', () => {
  test('a long mixed pipeline is answered in order, local and forwarded requests alike', async () => {
    const client = await open()
    const requests: (readonly Argument[])[] = []
    const expected: unknown[] = []
    const add = (reply: unknown, ...request: readonly Argument[]) => {
      requests.push(request)
      expected.push(reply)
    }
    const id = await client.call('CLIENT', 'ID')
    for (let i = 0; i < 2000; i++) {
      add('OK', 'SET', `k${i % 7}`, i)
      if (i % 3 === 0) add(id, 'CLIENT', 'ID')
      if (i % 5 === 0) add('OK', 'CLIENT', 'SETNAME', `n${i}`)
      if (i % 5 === 0) add(`n${i}`, 'CLIENT', 'GETNAME')
      add(`${i}`, 'GET', `k${i % 7}`)
      if (i % 11 === 0) add(`e${i}`, 'ECHO', `e${i}`)
      if (i % 13 === 0) add('PONG', 'PING')
      if (i % 97 === 0) {
        add('OK', 'MULTI')
        add('QUEUED', 'INCR', 'n')
        add([i / 97 + 1], 'EXEC')
      }
      if (i % 101 === 0) {
        add('OK', 'SELECT', i % 2)
        add('OK', 'SELECT', 0)
      }
      if (i % 211 === 0) {
        add('OK', 'WATCH', 'w')
        add('OK', 'UNWATCH')
      }
      if (i % 307 === 0) {
        add(1, 'RPUSH', 'list', i)
        add(['list', `${i}`], 'BLPOP', 'list', 1)
      }
    }
    expect(await client.pipeline(requests)).toEqual(expected)
  })

  test('50 clients with pipelines at the same time each get their own replies', async () => {
    const clients = await rig.clients(50, rig.proxied)
    await Promise.all(
      clients.map(async (client, n) => {
        if (n % 2) await client.hello3()
        for (let round = 0; round < 10; round++) {
          const echoes = Array.from({ length: 40 }, (_, i) => `${n}-${round}-${i}`)
          const replies = await client.pipeline(
            echoes.map((text, i) => (i % 10 === 3 ? ['CLIENT', 'ID'] : ['ECHO', text])),
          )
          expect(replies.filter((_, i) => i % 10 !== 3)).toEqual(echoes.filter((_, i) => i % 10 !== 3))
          expect(new Set(replies.filter((_, i) => i % 10 === 3)).size).toBe(1)
        }
      }),
    )
    expect(rig.proxied.metric('portolan_upstream_connections', { use: 'shared' })).toBe(2)
  })

  test('an unknown command never closes the connection nor shifts a reply', async () => {
    const client = await open()
    const replies = await client.pipeline([
      ['ECHO', 'a'],
      ['NOSUCHCOMMAND', 'x'],
      ['ECHO', 'b'],
      ['MY.MODULE', 'y'],
      ['', 'z'],
      ['ECHO', 'c'],
    ])
    expect([replies[0], replies[2], replies[5]]).toEqual(['a', 'b', 'c'])
    for (const at of [1, 3, 4]) expect(String(replies[at])).toMatch(/ERR unknown command/)
  })

  test('administrative commands reach the backend', async () => {
    const client = await open()
    expect(await client.call('CONFIG', 'SET', 'maxmemory-samples', '7')).toBe('OK')
    expect(await rig.direct.call('CONFIG', 'GET', 'maxmemory-samples')).toEqual(['maxmemory-samples', '7'])
    expect(String(await client.call('INFO', 'server'))).toContain(`tcp_port:${rig.server.port}`)
    expect(await client.call('DBSIZE')).toBe(0)
    expect(await client.call('COMMAND', 'COUNT')).toBe(await rig.direct.call('COMMAND', 'COUNT'))
  })

  test('names that every object of the language has are no subcommands, client types or commands', async () => {
    const client = await open()
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf']) {
      expect(String(await client.call('CLIENT', name))).toMatch(/ERR unknown subcommand/i)
      expect(String(await client.call('CLIENT', 'KILL', 'TYPE', name))).toContain(`ERR Unknown client type '${name}'`)
      expect(String(await client.call('CLIENT', 'LIST', 'TYPE', name))).toContain(`ERR Unknown client type '${name}'`)
      expect(String(await client.call(name))).toMatch(/ERR unknown command/)
    }
    expect(await client.call('ECHO', 'still here')).toBe('still here')
  })
})
