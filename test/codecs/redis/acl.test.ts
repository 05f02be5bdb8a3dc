import fc from 'fast-check'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { AccessRules } from '../../../codecs/redis/acl.ts'
import { CommandTable } from '../../../codecs/redis/command-table.ts'
import { loadCommands } from '../../../codecs/redis/commands.ts'
import { encodeCommand } from '../../../codecs/redis/encode.ts'
import { argumentSpans } from '../../../codecs/redis/request-scanner.ts'
import { type RedisServer, startRedis } from '../../support/redis-server.ts'

let server: RedisServer
let redis: Redis
/** What this server has, and nothing else. */
let table: CommandTable
beforeAll(async () => {
  server = await startRedis()
  redis = new Redis(server.socketPath)
  table = new CommandTable()
  table.merge((await redis.call('COMMAND')) as unknown[])
})
beforeEach(async () => {
  await redis.flushall()
})
afterAll(async () => {
  redis?.disconnect()
  await server?.stop()
})

function check(rules: AccessRules, args: readonly string[], commands = table): string | undefined {
  const bytes = encodeCommand(args)
  const spans = argumentSpans(bytes, 0)
  return rules.check(commands.lookup(bytes, spans[0]!, spans[1]!), bytes, spans)
}

const setUser = (rules: readonly string[]) => redis.call('ACL', 'SETUSER', 'tester', 'reset', 'on', 'nopass', ...rules)

const RULES = [
  '+@all',
  '-@all',
  'allcommands',
  'nocommands',
  ...[
    'read',
    'write',
    'fast',
    'slow',
    'dangerous',
    'admin',
    'string',
    'hash',
    'pubsub',
    'connection',
    'scripting',
  ].flatMap(category => [`+@${category}`, `-@${category}`]),
  '+get',
  '-get',
  '+SET',
  '-set',
  '+config',
  '-config',
  '+config|get',
  '-config|get',
  '-Config|Set',
  '+client|id',
  '-client|kill',
  '+select|0',
  '-select',
  '+select',
  '+object|encoding',
  'allkeys',
  'resetkeys',
  '~*',
  '~a*',
  '~[bc]?',
  '%R~c*',
  '%W~d*',
  '%RW~d*',
  '%~e*',
  '%w~*',
  '%r~*',
  'allchannels',
  'resetchannels',
  '&*',
  '&a*',
  '&news.?',
]

const COMMANDS = [
  'get a',
  'get bx',
  'get c1',
  'get d',
  'get e',
  'set a v',
  'set c1 v',
  'set d v',
  'set d v get',
  'set e v',
  'mget a c d',
  'mset a 1 d 2',
  'del a d',
  'rename a bx',
  'copy c1 d1',
  'hset a f v',
  'hgetall c1',
  'expire d 1',
  'strlen d',
  'exists e',
  'sort a store d',
  'zunionstore d 2 a c1',
  'bitfield d get u8 0',
  'bitfield c1 set u8 0 1',
  'xread streams a c1 0 0',
  'migrate h 1 a 0 10',
  'object encoding a',
  'object freq d',
  'memory usage a',
  'config get x',
  'config set maxmemory 0',
  'config resetstat',
  'client id',
  'client kill a',
  'client setname x',
  'select 0',
  'select 1',
  'ping',
  'auth x',
  'reset',
  'flushall',
  'keys *',
  'info',
  'publish a1 m',
  'publish news.1 m',
  'publish other m',
  'spublish a m',
  'subscribe a1 news.1',
  'subscribe a1 other',
  'ssubscribe other',
  'psubscribe a*',
  'psubscribe a1',
  'psubscribe *',
  'unsubscribe other',
  'debug sleep 0',
  'acl whoami',
  'script load x',
]

/** Rules of which Redis takes all; the ones that it refuses have a test of their own. */
async function acceptable(rules: readonly string[]): Promise<string[]> {
  const taken: string[] = []
  for (const rule of rules) {
    const ours = attempt([...taken, rule])
    const theirs = await setUser([...taken, rule]).then(
      () => true,
      () => false,
    )
    expect({ rules: [...taken, rule], accepted: ours }).toEqual({ rules: [...taken, rule], accepted: theirs })
    if (theirs) taken.push(rule)
  }
  return taken
}

function attempt(rules: readonly string[]): boolean {
  try {
    return new AccessRules(rules, table) !== undefined
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError)
    return false
  }
}

/** Which of the three checks failed. */
function kind(message: string | undefined): string {
  if (message === undefined || message === 'OK') return 'OK'
  const [, command, what] = /to run the ('[^']+' command)|access .* (key|channel)s?\b/.exec(message) ?? []
  return command ?? what ?? message
}

test('allows and refuses as ACL DRYRUN', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...RULES), { minLength: 1, maxLength: 6 }), async chosen => {
      const rules = await acceptable(chosen)
      await setUser(rules)
      const compiled = new AccessRules(rules, table)
      const answers = await Promise.all(
        COMMANDS.map(line => redis.call('ACL', 'DRYRUN', 'tester', ...line.split(' ')) as Promise<string>),
      )
      const theirs = COMMANDS.map((line, i) => [line, kind(answers[i])])
      const ours = COMMANDS.map(line => [line, kind(check(compiled, line.split(' ')))])
      expect({ rules, outcomes: ours }).toEqual({ rules, outcomes: theirs })
    }),
    { numRuns: 150 },
  )
})

test('refuses in the words of Redis', async () => {
  const rules = ['+@all', '-config', '-client|kill', '~a*', '&c*', '-select', '+select|1']
  await setUser(rules)
  const compiled = new AccessRules(rules, table)
  const user = new Redis({ path: server.socketPath, username: 'tester', password: 'x', enableReadyCheck: false })
  const refused = [
    ['GET', 'b'],
    ['CONFIG', 'GET', 'x'],
    ['config', 'Set', 'x', 'y'],
    ['client', 'kill', 'x'],
    ['SELECT', '2'],
    ['PUBLISH', 'x', 'y'],
    ['PSUBSCRIBE', 'c'],
    ['SORT', 'a', 'BY', 'w_*', 'GET', '#'],
    ['SORT', 'a', 'GET', 'o_*', 'BY', 'w_*'],
  ]
  for (const args of refused) {
    const message = await user.call(...(args as [string])).then(
      () => undefined,
      (error: Error) => error.message,
    )
    expect(message).toBeDefined()
    expect(check(compiled, args)).toBe(message)
  }
  user.disconnect()
})

test.each([
  '',
  'on',
  '>secret',
  '+',
  '+nothing',
  '+gett',
  '-nothing',
  '+@nothing',
  '-@',
  '+client|nothing',
  '-config|nothing',
  '-get|x',
  '+get|',
  '+client|kill|x',
  '%X~a',
  '%RR~a',
  '%R',
  '%~a',
  '~a b',
  '&a b',
  '(+get ~a)',
])('refuses the rule %j', rule => {
  expect(() => new AccessRules([rule], loadCommands())).toThrow(RangeError)
})

test('a pattern behind all keys or all channels has no effect and is refused', () => {
  expect(() => new AccessRules(['~*', '~a'], table)).toThrow('resetkeys')
  expect(() => new AccessRules(['&*', '&a'], table)).toThrow('resetchannels')
  expect(check(new AccessRules(['+get', '~*', 'resetkeys', '~a'], table), ['get', 'b'])).toContain('keys')
})

test('SORT may look up keys that are in the data for those who may read all keys', () => {
  const line = ['sort', 'a', 'by', 'w_*', 'get', 'o_*']
  expect(check(new AccessRules(['+sort', '%R~*'], table), line)).toBeUndefined()
  expect(check(new AccessRules(['+sort', '%W~*', '%R~a'], table), line)).toMatch(/^ERR BY option of SORT denied/)
})

test('scripts are only for those to whom everything is allowed that they could do', () => {
  expect(check(new AccessRules(['+@all', '~*', '&*'], table), ['eval', 's', '0'])).toBeUndefined()
  for (const rules of [
    ['+@all', '~a*', '&*'],
    ['+@all', '~*'],
    ['+@all', '-flushall', '~*', '&*'],
  ]) {
    const compiled = new AccessRules(rules, table)
    expect(check(compiled, ['eval', 's', '1', 'a'])).toMatch(/^NOPERM .* 'eval' command: rules cannot be enforced/)
    expect(check(compiled, ['fcall_ro', 'f', '0'])).toMatch(/^NOPERM/)
    expect(check(compiled, ['script', 'load', 's'])).toBeUndefined()
  }
})

test('commands that nobody knows are for those who may do everything, or this', () => {
  const own = loadCommands()
  const lines = [['mod.get', 'a'], ['mod.del', 'a'], ['anything']]
  const outcomes = (rules: string[]) => lines.map(line => kind(check(new AccessRules(rules, own), line, own)))
  expect(outcomes(['+@all', '~*'])).toEqual(['OK', 'OK', 'OK'])
  expect(outcomes(['+@all', '~a'])).toEqual(['key', 'key', 'key'])
  expect(outcomes(['+@all', '-mod.del', '~*'])).toEqual(['OK', "'mod.del' command", 'OK'])
  expect(outcomes(['+mod.get', '~*'])).toEqual(['OK', "'mod.del' command", "'anything' command"])
})

test('what the table learns later counts', () => {
  const own = loadCommands()
  const compiled = new AccessRules(['+@read', '+mod.set', '-mod.get', '~a*'], own)
  expect(check(compiled, ['mod.set', 'b'], own)).toMatch(/^NOPERM .* keys/)
  own.merge([
    ['mod.get', 2, ['readonly'], 1, 1, 1, ['@read']],
    ['mod.set', 3, ['write'], 1, 1, 1, ['@write']],
    ['mod.read', 2, ['readonly'], 1, 1, 1, ['@read']],
    ['mod.write', 2, ['write'], 1, 1, 1, ['@write']],
  ])
  expect(check(compiled, ['mod.get', 'a'], own)).toContain("'mod.get'")
  expect(check(compiled, ['mod.set', 'a', 'v'], own)).toBeUndefined()
  expect(check(compiled, ['mod.set', 'b', 'v'], own)).toContain('keys')
  expect(check(compiled, ['mod.read', 'a'], own)).toBeUndefined()
  expect(check(compiled, ['mod.write', 'a'], own)).toContain("'mod.write'")
})
