import { connect } from 'node:net'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CategoryFlag, CommandFlag, categoryNames } from '../../../codecs/redis/command-facts.ts'
import { CommandTable, MAX_COMMANDS } from '../../../codecs/redis/command-table.ts'
import { loadCommands } from '../../../codecs/redis/commands.ts'
import { encodeCommand } from '../../../codecs/redis/encode.ts'
import { KeyFlag } from '../../../codecs/redis/key-spec.ts'
import { decodeReplies } from '../../../codecs/redis/value.ts'
import { type RedisServer, startRedis } from '../../support/redis-server.ts'

const lookup = (table: CommandTable, name: string) => table.lookup(Buffer.from(name), 0, Buffer.byteLength(name))

let server: RedisServer
let redis: Redis
let commandReply: unknown[]
beforeAll(async () => {
  server = await startRedis()
  redis = new Redis(server.socketPath)
  commandReply = (await redis.call('COMMAND')) as unknown[]
})
afterAll(async () => {
  redis?.disconnect()
  await server?.stop()
})

test('every shipped name is found in whatever case, and only itself', () => {
  const table = loadCommands()
  expect(table.names.length).toBeGreaterThan(550)
  expect(new Set(table.names).size).toBe(table.names.length)
  for (const [id, name] of table.names.entries()) {
    const [own = '', subcommand] = name.split('|')
    const container = table.parent[id]!
    for (const word of [subcommand ?? own, (subcommand ?? own).toUpperCase()]) {
      const bytes = Buffer.from(`*${word}*`)
      const found =
        subcommand === undefined
          ? table.lookup(bytes, 1, bytes.length - 1)
          : table.lookupSubcommand(container, bytes, 1, bytes.length - 1)
      expect([name, found]).toEqual([name, id])
    }
    expect(table.idOf(name.toUpperCase())).toBe(id)
    if (subcommand !== undefined) {
      expect(table.names[container]).toBe(own)
      expect(table.flags[container]! & CommandFlag.CONTAINER).not.toBe(0)
      expect(table.subcommands(container)).toContain(id)
    }
  }
})

test('a name that differs in one byte is another one', () => {
  const table = loadCommands()
  const known = new Set(table.names.filter(name => !name.includes('|')))
  const change = fc.tuple(fc.constantFrom(...known), fc.nat(), fc.nat(255))
  fc.assert(
    fc.property(change, ([name, at, byte]) => {
      const bytes = Buffer.from(name)
      bytes[at % bytes.length] = byte
      const id = table.lookup(bytes, 0, bytes.length)
      const text = bytes.toString('latin1').replace(/[A-Z]/g, letter => letter.toLowerCase())
      expect(table.names[id]).toBe(known.has(text) ? text : undefined)
    }),
    { numRuns: 3000 },
  )
})

test('unknown names, and names of subcommands alone, are not found', () => {
  const table = loadCommands()
  for (const name of ['', 'ge', 'gett', 'setinfo', 'client|kill', 'get\r', 'x'.repeat(10_000)]) {
    expect(lookup(table, name)).toBe(-1)
  }
  expect(table.idOf('client|nothing')).toBe(-1)
  expect(table.idOf('nothing|kill')).toBe(-1)
})

/** Flags and categories of each command and subcommand, as words. */
function facts(table: CommandTable, id: number) {
  return {
    arity: table.arity[id],
    flags: Object.entries(CommandFlag)
      .filter(([, bit]) => table.flags[id]! & bit & TOLD)
      .map(([word]) => word),
    categories: Object.entries(CategoryFlag)
      .filter(([, bit]) => table.categories[id]! & bit)
      .map(([word]) => word),
  }
}

/** Without what COMMAND keeps to itself. */
const TOLD = ~(
  CommandFlag.MAY_REPLICATE |
  CommandFlag.TOUCHES_ARBITRARY_KEYS |
  CommandFlag.MOVABLE_KEYS |
  CommandFlag.CONTAINER
)

/** Allowed in scripts or while loading since 7.2, or with another arity. */
const CHANGED_SINCE = [
  'blmove',
  'blpop',
  'brpop',
  'brpoplpush',
  'bzpopmax',
  'bzpopmin',
  'cluster|count-failure-reports',
  'cluster|info',
  'cluster|keyslot',
  'cluster|links',
  'cluster|myid',
  'cluster|nodes',
  'cluster|replicas',
  'cluster|shards',
  'cluster|slaves',
  'cluster|slots',
  'command|getkeys',
  'command|getkeysandflags',
  'psubscribe',
  'ssubscribe',
  'subscribe',
  'wait',
  'zrank',
  'zrevrank',
]

test('the shipped facts are those of Redis 7.0, but for what changed since', () => {
  const shipped = loadCommands()
  const real = new CommandTable()
  real.merge(commandReply)
  expect(real.names.length).toBeGreaterThan(350)
  const differing: string[] = []
  for (const [id, name] of real.names.entries()) {
    expect(shipped.idOf(name)).toBeGreaterThanOrEqual(0)
    if (JSON.stringify(facts(real, id)) !== JSON.stringify(facts(shipped, shipped.idOf(name)))) differing.push(name)
  }
  expect(differing.sort()).toEqual(CHANGED_SINCE)
})

test('categories have the members that ACL CAT tells', async () => {
  const table = new CommandTable()
  table.merge(commandReply)
  expect(categoryNames.slice(0, 21).sort()).toEqual(((await redis.call('ACL', 'CAT')) as string[]).sort())
  for (const category of categoryNames.slice(0, 21)) {
    const theirs = (await redis.call('ACL', 'CAT', category)) as string[]
    expect(
      table
        .inCategory(category)
        .map(id => table.names[id])
        .sort(),
    ).toEqual(theirs.sort())
  }
  expect(table.inCategory('@dangerous')).toEqual(table.inCategory('dangerous'))
  expect(() => table.inCategory('@nothing')).toThrow('nothing')
})

test('merging what a server says keeps ids and adds what is new', () => {
  const table = loadCommands()
  const before = [...table.names]
  const entries = [
    ['GET', 7, ['write', 'movablekeys'], 1, 1, 1, ['@dangerous'], [], [], []],
    [
      'Mod.Do',
      -2,
      ['readonly', 'fast'],
      1,
      -1,
      1,
      ['@read'],
      [],
      [
        [
          'flags',
          ['RO', 'access'],
          'begin_search',
          ['type', 'keyword', 'spec', ['keyword', 'STREAMS', 'startfrom', -1]],
          'find_keys',
          ['type', 'range', 'spec', ['lastkey', -1, 'keystep', 2, 'limit', 3]],
        ],
        [
          'flags',
          ['OW', 'insert'],
          'begin_search',
          ['type', 'index', 'spec', ['index', 2]],
          'find_keys',
          ['type', 'keynum', 'spec', ['keynumidx', 0, 'firstkey', 1, 'keystep', 4]],
        ],
      ],
      [['mod.do|it', 3, ['admin'], 0, 0, 0, [], [], [], []]],
    ],
    ['old.range', -2, ['readonly'], 1, -1, 2],
    ['old.none', 1, ['loading'], 0, 0, 0, ['@connection']],
  ]
  expect(table.merge(entries)).toEqual(['mod.do', 'mod.do|it', 'old.range', 'old.none'])
  expect(table.names.slice(0, before.length)).toEqual(before)

  const get = table.idOf('get')
  expect(facts(table, get)).toEqual({ arity: 7, flags: ['WRITE'], categories: ['WRITE', 'SLOW', 'DANGEROUS'] })
  expect(table.keySpecs(get)).toEqual([])

  const id = lookup(table, 'MOD.DO')
  expect(table.keySpecs(id)).toMatchObject([
    {
      flags: KeyFlag.RO | KeyFlag.ACCESS,
      begin: 'keyword',
      keyword: 'streams',
      start: -1,
      find: 'range',
      last: -1,
      step: 2,
      limit: 3,
    },
    { flags: KeyFlag.OW | KeyFlag.INSERT, begin: 'index', start: 2, find: 'keynum', countAt: 0, first: 1, step: 4 },
  ])
  const it = table.lookupSubcommand(id, Buffer.from('IT'), 0, 2)
  expect(table.names[it]).toBe('mod.do|it')
  expect(facts(table, it).categories).toEqual(['ADMIN', 'SLOW', 'DANGEROUS'])

  const range = table.keySpecs(table.idOf('old.range'))
  expect(range).toMatchObject([
    { begin: 'index', start: 1, find: 'range', last: -1, step: 2, flags: KeyFlag.RO | KeyFlag.ACCESS },
  ])
  expect(table.keySpecs(table.idOf('old.none'))).toEqual([])
})

test('a server before Redis 7 tells no key specifications and takes none away', () => {
  const table = loadCommands()
  const specs = table.keySpecs(table.idOf('zunionstore'))
  table.merge([['zunionstore', -4, ['write', 'denyoom', 'movablekeys'], 1, 1, 1, ['@write']]])
  expect(table.keySpecs(table.idOf('zunionstore'))).toEqual(specs)
})

test('a reply of RESP3, with maps and sets, says the same as one of RESP2', async () => {
  const socket = connect(server.socketPath)
  socket.write(Buffer.concat([encodeCommand(['HELLO', '3']), encodeCommand(['COMMAND']), encodeCommand(['QUIT'])]))
  const [, reply] = decodeReplies(Buffer.concat(await socket.toArray()))
  const [two, three] = [new CommandTable(), new CommandTable()]
  two.merge(commandReply)
  three.merge(reply as unknown[])
  expect([...three.names].sort()).toEqual([...two.names].sort())
  for (const [id, name] of two.names.entries()) {
    expect(facts(three, three.idOf(name))).toEqual(facts(two, id))
    expect(three.keySpecs(three.idOf(name))).toEqual(two.keySpecs(id))
  }
})

test('a second merge of the same reply changes nothing', () => {
  const table = loadCommands()
  expect(table.merge(commandReply)).toEqual([])
  expect(table.flags[table.idOf('wait')]! & CommandFlag.BLOCKING).not.toBe(0)
  const before = table.names.map((_, id) => facts(table, id))
  expect(table.merge(commandReply)).toEqual([])
  expect(table.names.map((_, id) => facts(table, id))).toEqual(before)
})

test('what makes no sense is skipped, and there is an end to what a server can add', () => {
  const table = loadCommands()
  expect(
    table.merge([null, 5, 'x', [], ['a'], [1, 2, 3, 4, 5, 6], ['ok', '1', 'x', null, {}, [], 3, 4, [5, ['flags']], 7]]),
  ).toEqual(['ok'])
  const many = Array.from({ length: 2 * MAX_COMMANDS }, (_, i) => [`generated.${i}`, 1, [], 0, 0, 0])
  const added = table.merge(many)
  expect(table.names.length).toBe(MAX_COMMANDS)
  expect(added.length).toBeLessThan(MAX_COMMANDS)
  expect(lookup(table, 'GENERATED.0')).toBe(table.idOf('generated.0'))
  expect(lookup(table, `generated.${MAX_COMMANDS}`)).toBe(-1)
  expect(lookup(table, 'get')).toBe(table.idOf('get'))
})
