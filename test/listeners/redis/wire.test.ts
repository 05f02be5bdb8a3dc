/** Bytes said to a real server and to Portolan in front of another one: same replies, same end of the connection. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { COMPARED, type ComparedRow } from '../../golden/redis/compared.ts'
import {
  GOLDEN,
  GOLDEN_AUTHENTICATING,
  GOLDEN_UNAUTHENTICATED,
  type GoldenRow,
  NOAUTH,
} from '../../golden/redis/wire.ts'
import { type Conversation, converse, type Peer } from '../../support/conversation.ts'
import { cut } from '../../support/feed.ts'
import { Rig } from '../../support/portolan.ts'
import { scanReplies } from '../../support/redis-feed.ts'

const SECRET = 'secret'
const SENTINEL = Buffer.from('*2\r\n$4\r\nECHO\r\n$8\r\nsentinel\r\n')
const SENTINEL_REPLY = '$8\r\nsentinel\r\n'
const latin1 = (text: string) => Buffer.from(text, 'latin1')

process.env['TEST_WIRE_PASSWORD'] = SECRET
const rig = new Rig()
let direct: Peer
let proxied: Peer
let directWithPassword: Peer
let proxiedWithPassword: Peer
let flush: () => Promise<unknown>

beforeAll(async () => {
  const [server, behind, guarded] = await Promise.all([rig.redis(), rig.redis(), rig.redis({ password: SECRET })])
  const portolan = await rig.portolans({
    main: { endpoints: [behind.port] },
    guarded: {
      endpoints: [behind.port],
      listener: { users: [{ name: 'default', password: { env: 'TEST_WIRE_PASSWORD' } }] },
    },
  })
  const peer = async (port: number, password?: string): Promise<Peer> => {
    const witness = await rig.client(port)
    if (password) await witness.call('AUTH', password)
    return { port, witness }
  }
  direct = await peer(server.port)
  proxied = await peer(portolan.port())
  directWithPassword = await peer(guarded.port, SECRET)
  proxiedWithPassword = await peer(portolan.port('guarded'), SECRET)
  const admin = await rig.client(behind.port)
  flush = () => Promise.all([direct.witness.call('FLUSHALL'), admin.call('FLUSHALL')])
})
afterAll(() => rig.close())
beforeEach(() => flush())

type Expectation = Pick<GoldenRow, 'reply' | 'ending'>

/** How a row may come: a session of Portolan's must not care. */
const WAYS: Readonly<Record<string, (bytes: Buffer) => Buffer[]>> = {
  'as one': bytes => [bytes],
  'byte by byte': bytes => cut(bytes, 1),
  'in pieces': bytes => cut(bytes, 7, 1, 3),
}

function golden(peer: Peer, row: Expectation, pieces: readonly Buffer[]): Promise<Conversation> {
  const afterwards = row.ending === 'open' ? { afterwards: SENTINEL } : {}
  return converse(peer, { pieces, protocol: 2, untilEnd: row.ending === 'end', ...afterwards })
}

/** What is to be seen: bytes that were not read when the connection was closed make a reset of its end. */
function expected({ reply, ending }: Expectation, sentinel: string, found: Conversation): Conversation {
  if (ending === 'end') return { received: reply, ending: found.ending === 'reset' ? 'reset' : 'end' }
  return { received: ending === 'open' ? reply + sentinel : reply, ending: 'open' }
}

describe.each([
  ['after authentication', GOLDEN, SENTINEL_REPLY, () => [direct, proxied] as const],
  ['before authentication', GOLDEN_UNAUTHENTICATED, NOAUTH, () => [directWithPassword, proxiedWithPassword] as const],
  ['authenticating', GOLDEN_AUTHENTICATING, SENTINEL_REPLY, () => [directWithPassword, proxiedWithPassword] as const],
])('%s', (_, rows, sentinel, peers) => {
  describe.each(rows)('$name', row => {
    test('Redis', async () => {
      const found = await golden(peers()[0], row, [latin1(row.input)])
      expect(found).toEqual(expected(row, sentinel, found))
    })

    test.each(Object.keys(WAYS))('Portolan, %s', async way => {
      // A turn of the loop per byte.
      const pieces = row.input.length > 1000 ? cut(latin1(row.input), 1000) : WAYS[way]!(latin1(row.input))
      const ours = row.portolan ?? row
      const found = await golden(peers()[1], ours, pieces)
      expect(found).toEqual(expected(ours, sentinel, found))
    })
  })
})

/** How a row is compared; byte by byte where that does not take long. */
type Mode = 'RESP2' | 'RESP3' | 'RESP2, byte by byte'

function modes({ input, only }: ComparedRow): Mode[] {
  if (only === 3) return ['RESP3']
  const found: Mode[] = only === 2 ? ['RESP2'] : ['RESP2', 'RESP3']
  return typeof input === 'string' && input.length < 1000 ? [...found, 'RESP2, byte by byte'] : found
}

async function compare(row: ComparedRow, mode: Mode): Promise<void> {
  const inputs = typeof row.input === 'string' ? [row.input] : row.input
  const talk = {
    protocol: mode === 'RESP3' ? 3 : 2,
    ...(row.partial ? {} : { afterwards: SENTINEL }),
    ...(row.blocks ? { awaits: 'sentinel' } : {}),
    finAtOnce: row.finAtOnce ?? false,
  } as const
  const normal = ({ received, ending }: Conversation) => {
    const text = row.except ? received.replace(row.except, '?') : received
    return { received: row.pushesApart ? pushesFirst(text) : text, ending }
  }
  const theirs = await converse(direct, { ...talk, pieces: inputs.map(latin1) })
  const pieces = inputs.flatMap(input => (mode === 'RESP2, byte by byte' ? cut(latin1(input), 1) : [latin1(input)]))
  const ours = await converse(proxied, { ...talk, pieces, untilEnd: theirs.ending !== 'open' })
  expect(normal(ours)).toEqual(normal(theirs))
}

function pushesFirst(received: string): readonly unknown[] {
  const { frames } = scanReplies([latin1(received)])
  const isPush = (frame: unknown) => String(frame).startsWith('>')
  return [...frames.filter(isPush), ...frames.filter(frame => !isPush(frame))]
}

describe.each(Object.entries(COMPARED))('%s', (_, rows) => {
  describe.each(rows)('$name', row => {
    test.each(modes(row))('%s', mode => compare(row, mode))
  })
})
