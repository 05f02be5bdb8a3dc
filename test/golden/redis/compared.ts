/**
 * Inputs whose replies must be the same through Portolan as from the server itself, byte for byte, in RESP2 and in
 * RESP3. What they are is not written down: a newer server may answer in other words.
 */
import { encodeCommand } from '../../../codecs/redis/index.ts'

export interface ComparedRow {
  readonly name: string
  /** latin1; several are sent one after the other, each when the one before has been answered. */
  readonly input: string | readonly string[]
  /** The input ends within a request. */
  readonly partial?: true
  /** The client half-closes right behind the input. */
  readonly finAtOnce?: true
  /** What cannot be the same: replaced in both. */
  readonly except?: RegExp
  /** Pushes and replies are compared apart: messages come from the backend on another connection than replies. */
  readonly pushesApart?: true
  /** Something blocks: the reply to what is said last must come before the client goes. */
  readonly blocks?: true
  /** Only in this version. */
  readonly only?: 2 | 3
}

/** One request, or several, as arrays of bulk strings; latin1. */
const command = (...args: readonly string[]): string =>
  encodeCommand(args.map(arg => Buffer.from(arg, 'latin1'))).toString('latin1')
const commands = (...lines: readonly string[]): string => lines.map(line => command(...line.split(' '))).join('')

const row = (name: string, input: ComparedRow['input'], more: Partial<ComparedRow> = {}): ComparedRow => ({
  name,
  input,
  ...more,
})
/** Both as one block and each request on its own. */
const both = (name: string, ...lines: readonly string[]): ComparedRow[] => [
  row(name, commands(...lines)),
  row(
    `${name}, bit by bit`,
    lines.map(line => commands(line)),
  ),
]

const ID = /(?<=\$2\r\nid\r\n):\d+/g

const INLINE: readonly ComparedRow[] = [
  row('lines', 'PING\r\nping\npInG\r\n   PING   \r\n\tPING\r\n'),
  row('quotes', 'SET k "a b"\r\nGET k\r\nSET k \'a\\\'b\'\r\nGET k\r\nSET k ""\r\nGET k\r\n'),
  row('escapes', 'SET k "\\x00\\xff\\n\\q\\"\\x4g"\r\nGET k\r\nSET k \'\\n\\x41\'\r\nGET k\r\n'),
  row('an empty name', '""\r\n"" a b\r\n'),
  row('a long line', `ECHO ${'x'.repeat(60_000)}\r\n`),
  row('many words', `DEL ${'k '.repeat(2000)}\r\n`),
  row('a carriage return within', 'ECHO a\rb\r\nECHO "a\\rb"\r\n'),
  row('bytes that are not ASCII', 'ECHO \xe9\x80\xff\r\n\xff\r\n'),
  row('mixed with lists', `PING\r\n${commands('ECHO a')}ECHO b\r\n\r\n*0\r\n${commands('ECHO c', 'ECHO d')}ECHO e\n`),
  row('RESP that is no request', '+PING\r\n:1\r\n-ERR\r\n$4\r\n'),
]

const ARGUMENTS: readonly ComparedRow[] = [
  ...[
    'GET',
    'GET a b',
    'SET',
    'SET a',
    'MGET',
    'XADD k',
    'EVAL',
    'CONFIG',
    'CONFIG GET',
    'OBJECT',
    'OBJECT ENCODING',
    'CLIENT',
    'CLIENT SETNAME',
    'CLIENT SETNAME a b',
    'CLIENT GETNAME x',
    'CLIENT ID x',
    'CLIENT KILL',
    'CLIENT REPLY',
    'CLIENT REPLY on x',
    'CLIENT NO-EVICT',
    'CLIENT TRACKING',
    'CLIENT UNBLOCK',
    'CLIENT PAUSE',
    'CLIENT UNPAUSE x',
    'CLIENT LIST x',
    'CLIENT INFO x',
    'CLIENT CACHING',
    'CLIENT GETREDIR x',
    'CLIENT HELP x',
    'SELECT',
    'SELECT 1 2',
    'AUTH',
    'AUTH a b c',
    'PING a b',
    'ECHO',
    'ECHO a b',
    'MULTI x',
    'EXEC',
    'EXEC x',
    'DISCARD',
    'DISCARD x',
    'WATCH',
    'UNWATCH x',
    'SUBSCRIBE',
    'PSUBSCRIBE',
    'SSUBSCRIBE',
    'PUBLISH',
    'PUBLISH a',
    'SPUBLISH a b c',
    'PUBSUB',
    'PUBSUB NUMSUB',
    'PUBSUB NUMPAT x',
    'BLPOP',
    'BLPOP k',
    'BLPOP k x',
    'BLPOP k -1',
    'BLMOVE a b c d 1',
    'BZPOPMIN',
    'XREAD',
    'XREAD BLOCK',
    'XREAD BLOCK x STREAMS a 1',
    'XREAD STREAMS',
    'XREADGROUP GROUP g c BLOCK 1 STREAMS nosuch >',
    'WAIT',
    'WAIT a b',
    'WAIT 0 -1',
    'RESET x',
    'READONLY x',
    'READONLY',
    'READWRITE',
    'ASKING x',
    'SCRIPT',
    'SCRIPT LOAD',
    'MONITOR x',
    'COMMAND GETKEYS',
    'COMMAND nosuch',
    'HELLO x',
    'FUNCTION',
    'ACL',
    'ACL nosuch',
    'DEBUG',
    'SHUTDOWN x',
    'REPLCONF x',
    'SYNC x',
    'PSYNC a',
  ].map(line => row(`arguments: ${line}`, commands(line))),
  row('a subcommand without, in lines', 'client\r\nclient setname\r\nconfig set\r\n'),
  row('upper and lower case', commands('gEt', 'Client SetName', 'cLIENT gEtNaMe x', 'Select', 'bLPOP')),
]

const UNKNOWN: readonly ComparedRow[] = [
  row('no arguments', commands('nosuch')),
  row('arguments', commands('nosuch a b c')),
  row('a long name', command('x'.repeat(200), 'a')),
  row('long arguments', command('nosuch', 'a'.repeat(100), 'b'.repeat(100), 'c')),
  row('many arguments', command('nosuch', ...Array<string>(1000).fill('arg'))),
  row('bytes of every kind', command('no\r\nsuch', 'a\0b', '\xff\xfe', '\r\n', "'")),
  row('empty ones', command('', '', '')),
  row('a zero byte in the name', command('GET\0', 'k')),
  row('a blank in the name', command('GET ', 'k')),
  row('subcommands', commands('CONFIG nosuch', 'CLIENT nosuch', 'OBJECT nosuch k', 'XINFO nosuch', 'PUBSUB nosuch')),
  row(
    'subcommands with arguments',
    commands('CONFIG nosuch a b', 'CLIENT nosuch a b c', 'SCRIPT nosuch', 'ACL nosuch x'),
  ),
  row('a long subcommand', command('CLIENT', 'x'.repeat(200)) + command('CONFIG', 'x'.repeat(200))),
  row(
    'subcommands of odd bytes',
    command('CLIENT', '\xff\r\n') + command('CLIENT', '') + command('CONFIG', '\xff\r\n') + command('CLIENT', 'a\0b'),
  ),
  row('in a transaction', commands('MULTI', 'nosuch', 'EXEC', 'GET k')),
]

const helloOf = (version: string): ComparedRow => row(`version ${version}`, commands(`HELLO ${version}`, 'HGETALL k'))
const selectOf = (index: string): ComparedRow =>
  row(`SELECT ${index}`, commands('SET k zero', `SELECT ${index}`, 'GET k'))

const HELLO: readonly ComparedRow[] = [
  row('alone', commands('HELLO'), { except: ID }),
  row('2', commands('HELLO 2', 'HGETALL k'), { except: ID }),
  row('3', commands('HELLO 3', 'HGETALL k'), { except: ID }),
  row('there and back', commands('HELLO 3', 'HGETALL k', 'HELLO 2', 'HGETALL k', 'HELLO 3', 'GET k'), { except: ID }),
  row('in a line', 'hello 3\r\nget k\r\n', { except: ID }),
  ...['1', '4', '0', '-3', 'a', '3.0', '03', '+3', '99999999999999999999', '9223372036854775807'].map(helloOf),
  row('an empty version', command('HELLO', '')),
  row('a name', commands('HELLO 3 SETNAME me', 'CLIENT GETNAME', 'HELLO 2 SETNAME you', 'CLIENT GETNAME'), {
    except: ID,
  }),
  row('a name with a blank', command('HELLO', '3', 'SETNAME', 'a b') + commands('CLIENT GETNAME', 'HGETALL k')),
  row('an empty name', command('HELLO', '2', 'SETNAME', '') + commands('CLIENT GETNAME'), { except: ID }),
  row('an unknown option', commands('HELLO 3 nosuch', 'HGETALL k')),
  row('an unknown option of odd bytes', command('HELLO', '3', 'a\r\n\xff')),
  row('a name without the name', commands('HELLO 3 SETNAME')),
  row('a user', commands('HELLO 3 AUTH default x', 'GET k'), { except: ID }),
  row('a user without a password', commands('HELLO 3 AUTH default')),
  row('a wrong user', commands('HELLO 3 AUTH nobody x', 'HGETALL k')),
  row('all of it', commands('HELLO 3 SETNAME a AUTH default x SETNAME b', 'CLIENT GETNAME'), { except: ID }),
  row('a name and a wrong option', commands('HELLO 3 SETNAME a nosuch', 'CLIENT GETNAME')),
  row('a wrong user and a name', commands('HELLO 3 SETNAME a AUTH nobody x', 'CLIENT GETNAME')),
  row('in a transaction', commands('MULTI', 'HELLO 3', 'GET k', 'DISCARD')),
  ...both(
    'in a transaction that is executed',
    ...['MULTI', 'HGETALL k', 'HELLO 3', 'HGETALL k', 'EXEC', 'HGETALL k', 'GET k', 'HELLO 2', 'HGETALL k'],
  ).map(hello => ({ ...hello, except: ID })),
  ...both(
    'of every kind in a transaction',
    ...['MULTI', 'HELLO 9', 'HELLO', 'HELLO 2 SETNAME a AUTH nobody x', 'CLIENT GETNAME', 'HELLO 3 nosuch'],
    ...['HELLO 3 SETNAME b AUTH default x', 'CLIENT GETNAME', 'GET k', 'EXEC', 'CLIENT GETNAME', 'HGETALL k'],
  ).map(hello => ({ ...hello, except: ID })),
]

const CONNECTION: readonly ComparedRow[] = [
  ...['abc', '-1', '16', '99999', '15', '01', '+1', '99999999999999999999', '2147483648', '-99999999999'].map(selectOf),
  row('SELECT of nothing and of blanks', command('SELECT', '') + command('SELECT', ' 1') + commands('GET k')),
  ...both('SELECT and back', 'SET k 0', 'SELECT 3', 'SET k 3', 'GET k', 'SELECT 0', 'GET k', 'SELECT 3', 'GET k'),
  row('RESET', commands('SELECT 3', 'CLIENT SETNAME me', 'RESET', 'CLIENT GETNAME', 'SET k 1', 'SELECT 0', 'GET k')),
  ...both('RESET in a transaction', 'MULTI', 'SET k 1', 'RESET', 'GET k', 'EXEC'),
  ...both('RESET while watching', 'WATCH k', 'SET k 1', 'RESET', 'MULTI', 'GET k', 'EXEC'),
  row('RESET after HELLO 3', commands('HELLO 3', 'RESET', 'HGETALL k'), { except: ID }),
  row('RESET that is skipped', commands('CLIENT REPLY SKIP', 'RESET', 'PING')),
  row('RESET with replies off', commands('CLIENT REPLY OFF', 'PING', 'RESET', 'PING')),
  row('AUTH without passwords', commands('AUTH x', 'AUTH default x', 'AUTH nobody x', 'GET k')),
  row('QUIT', commands('QUIT')),
  row('QUIT with requests behind', commands('SET k 1', 'QUIT', 'SET k 2', 'GET k')),
  row('QUIT in a line', 'PING\r\nquit\r\nPING\r\n'),
  row('QUIT with arguments', commands('QUIT now', 'PING')),
  ...both('QUIT in a transaction', 'MULTI', 'SET k 1', 'QUIT', 'EXEC'),
  row('names', commands('CLIENT GETNAME', 'CLIENT SETNAME me', 'CLIENT GETNAME')),
  row(
    'names that may not be',
    command('CLIENT', 'SETNAME', 'a b') + command('CLIENT', 'SETNAME', 'a\n') + commands('CLIENT GETNAME'),
  ),
  row(
    'a name that is empty',
    commands('CLIENT SETNAME me') + command('CLIENT', 'SETNAME', '') + commands('CLIENT GETNAME'),
  ),
  row('ids', commands('CLIENT ID'), { except: /(?<=^:)\d+/g }),
  row('ids that are not there', commands('CLIENT UNBLOCK 999999', 'CLIENT UNBLOCK x', 'CLIENT UNBLOCK 1 x')),
  row(
    'CLIENT LIST of wrong kinds',
    commands(
      ...['CLIENT LIST TYPE x', 'CLIENT LIST ID x', 'CLIENT LIST ID', 'CLIENT LIST ID 0', 'CLIENT LIST ID -1'],
      ...['CLIENT LIST ID 01', 'CLIENT LIST ID 1.0', 'CLIENT LIST ID 9223372036854775808', 'CLIENT KILL ID 0x1'],
    ) + command('CLIENT', 'LIST', 'TYPE', 'a\r\n\xff\0b'),
  ),
  row('CLIENT LIST of none', commands('CLIENT LIST TYPE replica', 'CLIENT LIST ID 999999', 'CLIENT LIST TYPE pubsub')),
  row(
    'CLIENT KILL of none',
    commands(
      'CLIENT KILL 1.2.3.4:5',
      'CLIENT KILL ID 999999',
      'CLIENT KILL ID x',
      'CLIENT KILL TYPE x',
      'CLIENT KILL USER nobody',
      'CLIENT KILL SKIPME x',
      'CLIENT KILL nosuch x',
      'CLIENT KILL ADDR 1.2.3.4:5 LADDR 1.2.3.4:5',
    ),
  ),
  row('CLIENT NO-EVICT', commands('CLIENT NO-EVICT on', 'CLIENT NO-EVICT off', 'CLIENT NO-EVICT x')),
  row('CLIENT REPLY of another kind', commands('CLIENT REPLY x', 'CLIENT REPLY on')),
  row(
    'CLIENT REPLY SKIP',
    commands('CLIENT REPLY SKIP', 'SET k 1', 'GET k', 'CLIENT REPLY SKIP', 'CLIENT GETNAME', 'GET k'),
  ),
  row('CLIENT REPLY SKIP of a large request', commands('CLIENT REPLY SKIP', `SET k ${'x'.repeat(400_000)}`, 'PING')),
  row(
    'CLIENT REPLY OFF and a large request',
    commands('CLIENT REPLY OFF', `SET k ${'x'.repeat(400_000)}`, 'CLIENT REPLY ON'),
  ),
  row('CLIENT REPLY SKIP twice', commands('CLIENT REPLY SKIP', 'CLIENT REPLY SKIP', 'GET k', 'GET k')),
  row(
    'CLIENT REPLY SKIP of errors',
    commands('CLIENT REPLY SKIP', 'nosuch', 'PING', 'CLIENT REPLY SKIP', 'CLIENT nosuch', 'PING'),
  ),
  row('CLIENT REPLY SKIP of HELLO', commands('CLIENT REPLY SKIP', 'HELLO 3', 'HGETALL k'), { except: ID }),
  row('CLIENT REPLY SKIP of SELECT', commands('CLIENT REPLY SKIP', 'SELECT 1', 'PING')),
  row('CLIENT REPLY OFF', commands('CLIENT REPLY OFF', 'SET k 1', 'nosuch', 'CLIENT ID', 'CLIENT REPLY ON', 'GET k')),
  row(
    'CLIENT REPLY OFF, then SKIP',
    commands('CLIENT REPLY OFF', 'CLIENT REPLY SKIP', 'PING', 'PING', 'CLIENT REPLY ON', 'PING'),
  ),
  row(
    'CLIENT REPLY SKIP, then OFF',
    commands('CLIENT REPLY SKIP', 'CLIENT REPLY OFF', 'PING', 'CLIENT REPLY ON', 'PING'),
  ),
  row('CLIENT REPLY SKIP, then ON', commands('CLIENT REPLY SKIP', 'CLIENT REPLY ON', 'PING')),
  ...both('CLIENT REPLY SKIP of a transaction', 'CLIENT REPLY SKIP', 'MULTI', 'SET k 1', 'GET k', 'EXEC', 'GET k'),
  ...both(
    'CLIENT REPLY OFF in a transaction',
    'MULTI',
    'CLIENT REPLY OFF',
    'SET k 1',
    'EXEC',
    'CLIENT REPLY ON',
    'GET k',
  ),
  ...both('CLIENT REPLY SKIP in a transaction', 'MULTI', 'CLIENT REPLY SKIP', 'GET k', 'EXEC', 'ECHO a', 'ECHO b'),
  ...both(
    'CLIENT REPLY ON in a transaction',
    ...['CLIENT REPLY OFF', 'MULTI', 'SET k 1', 'CLIENT REPLY ON', 'GET k', 'EXEC', 'GET k'],
  ),
  ...both('CLIENT REPLY of another kind in a transaction', 'MULTI', 'CLIENT REPLY x', 'EXEC', 'PING'),
  row(
    'CLIENT TRACKING',
    commands('CLIENT TRACKINGINFO', 'CLIENT GETREDIR', 'CLIENT TRACKING off', 'CLIENT TRACKING x'),
  ),
  row('CLIENT PAUSE of wrong times', commands('CLIENT PAUSE x', 'CLIENT PAUSE -1', 'CLIENT PAUSE 1 x')),
  row('ECHO and PING', commands('ECHO a', 'PING', 'PING a') + command('ECHO', '') + command('PING', '\r\n')),
]

const TRANSACTIONS: readonly ComparedRow[] = [
  ...both('a transaction', 'MULTI', 'SET k 1', 'INCR k', 'GET k', 'EXEC'),
  ...both('an empty one', 'MULTI', 'EXEC'),
  ...both('a discarded one', 'MULTI', 'SET k 1', 'DISCARD', 'GET k'),
  ...both('MULTI within', 'MULTI', 'MULTI', 'SET k 1', 'EXEC', 'GET k'),
  ...both('EXEC and DISCARD without', 'EXEC', 'DISCARD', 'UNWATCH'),
  ...both('an unknown command within', 'MULTI', 'nosuch', 'SET k 1', 'EXEC', 'GET k', 'EXEC'),
  ...both('wrong arguments within', 'MULTI', 'GET', 'SET k 1', 'EXEC', 'GET k'),
  ...both('wrong arguments of EXEC', 'MULTI', 'SET k 1', 'EXEC x', 'EXEC', 'GET k'),
  ...both('a command that fails', 'SET k a', 'MULTI', 'INCR k', 'LPUSH k x', 'GET k', 'EXEC'),
  ...both('WATCH', 'WATCH k', 'MULTI', 'SET k 1', 'EXEC', 'GET k'),
  ...both('WATCH of what one changes oneself', 'WATCH k', 'SET k 1', 'MULTI', 'GET k', 'EXEC', 'GET k'),
  ...both('WATCH within', 'MULTI', 'WATCH k', 'SET k 1', 'EXEC', 'GET k'),
  row('HELLO while watching', commands('WATCH k', 'HELLO 3', 'MGET k', 'MULTI', 'MGET k', 'EXEC', 'MGET k'), {
    except: ID,
  }),
  ...both('UNWATCH', 'WATCH k', 'SET k 1', 'UNWATCH', 'MULTI', 'GET k', 'EXEC'),
  ...both('SELECT within', 'SET k 0', 'MULTI', 'SELECT 3', 'SET k 3', 'EXEC', 'GET k', 'SELECT 0', 'GET k'),
  ...both('SELECT of none within', 'SET k 0', 'MULTI', 'SELECT 99', 'SELECT x', 'EXEC', 'GET k'),
  ...both('SELECT within, discarded', 'SET k 0', 'MULTI', 'SELECT 3', 'DISCARD', 'GET k'),
  ...both('blocking commands within', 'MULTI', 'BLPOP k 0', 'XREAD BLOCK 0 STREAMS s 0', 'WAIT 1 0', 'EXEC'),
  ...both('names within', 'MULTI', 'CLIENT SETNAME me', 'CLIENT GETNAME', 'EXEC', 'CLIENT GETNAME'),
  ...both('names within, discarded', 'MULTI', 'CLIENT SETNAME me', 'DISCARD', 'CLIENT GETNAME'),
  ...both('names within, not executed', 'WATCH k', 'SET k 1', 'MULTI', 'CLIENT SETNAME me', 'EXEC', 'CLIENT GETNAME'),
  ...both('a name that may not be within', 'MULTI', 'CLIENT SETNAME a\x01', 'CLIENT SETNAME', 'EXEC', 'CLIENT GETNAME'),
  ...both(
    'names behind what is not queued',
    ...['MULTI', 'CLIENT SETNAME me', 'MULTI', 'WATCH k', 'SET k 1', 'CLIENT GETNAME', 'GET k', 'EXEC'],
  ),
  ...both(
    'clients within',
    ...['MULTI', 'CLIENT KILL ID 999999', 'CLIENT LIST ID 999999', 'CLIENT NO-EVICT on', 'CLIENT UNBLOCK 999999'],
    ...['CLIENT UNBLOCK x', 'CLIENT GETREDIR', 'CLIENT LIST TYPE x', 'EXEC', 'PING'],
  ),
  ...both(
    'tracking within',
    'MULTI',
    'CLIENT TRACKING off',
    'CLIENT TRACKINGINFO',
    'CLIENT CACHING yes',
    'EXEC',
    'PING',
  ),
  ...both(
    'names around what is large',
    'SETRANGE k 300000 x',
    'MULTI',
    'CLIENT GETNAME',
    'GET k',
    'SELECT 3',
    'EXEC',
    'GET k',
  ),
  ...both('subcommands that are not there within', 'MULTI', 'CLIENT nosuch', 'CONFIG nosuch', 'EXEC'),
  ...both('PUBLISH within', 'MULTI', 'PUBLISH c m', 'PUBSUB NUMSUB c', 'EXEC'),
  ...both(
    'subscriptions within',
    ...[
      'MULTI',
      'SUBSCRIBE c d',
      'PSUBSCRIBE e',
      'GET k',
      'UNSUBSCRIBE c',
      'EXEC',
      'UNSUBSCRIBE',
      'PUNSUBSCRIBE',
      'GET k',
    ],
  ),
  ...both('SUBSCRIBE within, discarded', 'MULTI', 'SUBSCRIBE c', 'DISCARD', 'GET k'),
  ...both('SUBSCRIBE of nothing within', 'MULTI', 'SUBSCRIBE', 'EXEC', 'GET k'),
  ...both('SSUBSCRIBE within', 'MULTI', 'SSUBSCRIBE c', 'EXEC', 'GET k'),
  ...both('UNSUBSCRIBE of nothing within', 'MULTI', 'UNSUBSCRIBE', 'PUNSUBSCRIBE a b', 'EXEC', 'GET k'),
  row('UNSUBSCRIBE within', commands('SUBSCRIBE c', 'MULTI', 'UNSUBSCRIBE', 'SUBSCRIBE e', 'EXEC', 'PING'), {
    only: 3,
  }),
  ...both('SUBSCRIBE within', 'MULTI', 'SUBSCRIBE c', 'EXEC', 'UNSUBSCRIBE c', 'PING'),
  ...both('AUTH within', 'MULTI', 'AUTH default x', 'EXEC', 'PING'),
  ...both('AUTH of every kind within', 'MULTI', 'AUTH x', 'AUTH nobody x', 'AUTH a b c', 'EXEC', 'PING'),
  ...both('AUTH without a password within', 'MULTI', 'AUTH', 'EXEC', 'PING'),
  ...both('EVAL within', 'MULTI', 'EVAL return{1} 0', 'EXEC'),
  ...both('MONITOR within', 'MULTI', 'MONITOR', 'EXEC', 'PING'),
  row('lines', 'MULTI\r\nSET k 1\r\nGET k\r\nEXEC\r\nGET k\r\n'),
  row('lines and lists', `multi\r\n${commands('SET k 1')}get k\r\n${commands('EXEC')}`),
  row('two in one', commands('MULTI', 'SET k 1', 'EXEC', 'MULTI', 'GET k', 'EXEC', 'GET k')),
  row('in upper and lower case', commands('mUlTi', 'set k 1', 'eXeC')),
  row('a broken request within', `${commands('MULTI', 'SET k 1')}*1\r\n$x\r\n`),
  ...both('RESET of wrong arguments within', 'MULTI', 'RESET x', 'EXEC', 'PING'),
  row('nothing to execute within', `${commands('MULTI')}*0\r\n\r\n${commands('SET k 1')}\r\n${commands('EXEC')}`),
]

const REPLIES: readonly ComparedRow[] = [
  row('empty arguments', command('SET', '', '') + command('GET', '') + command('MGET', '', '', 'x')),
  row('keys of every byte', everyByte()),
  row('nulls', commands('GET none', 'MGET none none', 'LPOP none', 'LPOP none 2', 'ZSCORE none m', 'GETDEL none')),
  row('hashes', commands('HSET h a 1 b 2', 'HGETALL h', 'HRANDFIELD none -1', 'HMGET h a none', 'CONFIG GET port*x')),
  row('sets', commands('SADD s a', 'SMEMBERS s', 'SMISMEMBER s a b', 'SINTER s s', 'SPOP s', 'SMEMBERS s')),
  row('scores', commands('ZADD z 1.5 a inf b -inf c', 'ZRANGE z 0 -1 WITHSCORES', 'ZSCORE z a', 'ZINCRBY z 3e300 a')),
  row(
    'errors',
    commands('SET k a', 'INCR k', 'LPUSH k a', 'SET k v EX x', 'SETEX k 0 v', 'EVALSHA 0123 0', 'GETEX k PX'),
  ),
  row('floats', commands('INCRBYFLOAT f 0.1', 'HINCRBYFLOAT h a 1e10', 'INCRBYFLOAT f nan')),
  row(
    'every kind there is',
    [...['string', 'integer', 'double', 'null', 'array', 'set', 'map', 'verbatim', 'true', 'false', 'bignum'], 'nosuch']
      .map(kind => commands(`DEBUG PROTOCOL ${kind}`))
      .join(''),
  ),
  row('an attribute', commands('DEBUG PROTOCOL attrib', 'PING')),
  row(
    'scripts',
    [
      'return redis.status_reply("a b")',
      'return redis.error_reply("MY error")',
      'return redis.error_reply("")',
      'return redis.status_reply("a\\r\\nb")',
      'return redis.error_reply("a\\r\\nb")',
      'return {1,{2,{3,"x"}},false,true,1.9}',
      'return redis.call("nosuch")',
      'return redis.pcall("GET")',
      'syntax(',
      'redis.setresp(3) return redis.call("HGETALL","h")',
      'return {map={a=1}}',
      'return {double=1.5}',
      'redis.setresp(3) return {double=1.5}',
      'redis.setresp(3) return {big_number="123456789012345678901234567890"}',
      'redis.setresp(3) return {verbatim_string={format="mkd",string="# a"}}',
      'redis.setresp(3) return {set={a=true}}',
    ]
      .map(script => command('EVAL', script, '0'))
      .join(''),
  ),
  row('long ones', commands('SETRANGE k 100000 x', 'GET k', 'SETBIT k 3000000 1', 'STRLEN k', 'GETRANGE k -5 -1')),
  row(
    'nested ones',
    commands('XADD s 1-1 a b', 'XREAD STREAMS s 0', 'XRANGE s - +', 'XINFO STREAM s', 'COMMAND INFO get'),
  ),
  row(
    'facts of commands',
    commands('COMMAND GETKEYS MSET a b c d', 'COMMAND INFO nosuch', 'COMMAND LIST FILTERBY PATTERN xran*'),
  ),
  row('lists for help', commands('OBJECT HELP', 'SCRIPT HELP', 'PUBSUB HELP', 'CONFIG HELP')),
]

const PUBSUB: readonly ComparedRow[] = [
  ...both('SUBSCRIBE', 'SUBSCRIBE a b a', 'UNSUBSCRIBE a', 'UNSUBSCRIBE nosuch', 'UNSUBSCRIBE', 'UNSUBSCRIBE', 'PING'),
  ...both('PSUBSCRIBE', 'PSUBSCRIBE a* b*', 'SUBSCRIBE c', 'PUNSUBSCRIBE a*', 'PUNSUBSCRIBE', 'UNSUBSCRIBE', 'GET k'),
  ...both('SSUBSCRIBE', 'SSUBSCRIBE a b', 'SUNSUBSCRIBE b', 'SUNSUBSCRIBE'),
  row(
    'commands that may not be then',
    commands('SUBSCRIBE a', 'GET k', 'nosuch', 'MULTI', 'SELECT 1', 'CLIENT ID', 'HELLO 3'),
    {
      only: 2,
    },
  ),
  row(
    'wrong arguments then',
    commands('SUBSCRIBE a', 'PING a b', 'GET', 'SUBSCRIBE', 'CLIENT', 'CLIENT nosuch', 'CLIENT ID x', 'EXEC'),
    { only: 2 },
  ),
  ...both('PING then', 'SUBSCRIBE a', 'PING', 'PING x'),
  ...both('QUIT then', 'SUBSCRIBE a', 'QUIT', 'PING'),
  ...both('RESET then', 'SUBSCRIBE a', 'PSUBSCRIBE b*', 'RESET', 'GET k', 'UNSUBSCRIBE'),
  row('other commands then', commands('SUBSCRIBE a', 'GET k', 'SET k 1', 'MULTI', 'GET k', 'EXEC'), { only: 3 }),
  row('messages to oneself', commands('SUBSCRIBE a', 'PSUBSCRIBE a*', 'PUBLISH a m', 'PING'), {
    only: 3,
    pushesApart: true,
  }),
  row('channels of every kind', command('SUBSCRIBE', '', 'a b', '\0\xff\r\n') + command('UNSUBSCRIBE', '\0\xff\r\n')),
  row('without any', commands('UNSUBSCRIBE', 'PUNSUBSCRIBE', 'SUNSUBSCRIBE', 'UNSUBSCRIBE a b', 'PUNSUBSCRIBE a')),
  row(
    'numbers',
    commands('PUBLISH none m', 'PUBSUB NUMSUB a b', 'PUBSUB NUMPAT', 'PUBSUB CHANNELS', 'PUBSUB SHARDNUMSUB a'),
  ),
]

const BLOCKING: readonly ComparedRow[] = [
  ...both('what is there', 'RPUSH k a b', 'BLPOP k 0', 'BRPOP none k 0', 'LRANGE k 0 -1'),
  row(
    'what is not, for a moment',
    commands('BLPOP none 0.01', 'BLMOVE none k LEFT LEFT 0.01', 'BZPOPMIN none 0.01', 'PING'),
  ),
  row('XREAD', commands('XADD s 1-1 a b', 'XREAD BLOCK 0 STREAMS s 0', 'XREAD BLOCK 10 STREAMS s $', 'PING')),
  row('of another type', commands('SET k a', 'BLPOP k 0', 'BZPOPMIN k 0', 'PING')),
  row('WAIT', commands('SET k 1', 'WAIT 0 0', 'WAIT 1 1', 'PING')),
  row('among others', commands('SET a 1', 'BLPOP none 0.01', 'GET a', 'BLPOP none 0.01', 'GET a')),
]

const ENDS: readonly ComparedRow[] = [
  row('a pipeline, then FIN', commands('SET k 1', 'INCR k', 'GET k', 'CLIENT GETNAME', 'nosuch'), { finAtOnce: true }),
  row('lines, then FIN', 'SET k 1\r\nGET k\r\n', { finAtOnce: true }),
  row('half a request behind a whole one, then FIN', `${commands('PING')}*2\r\n$4\r\nECHO\r\n$5\r\nhe`, {
    finAtOnce: true,
  }),
  row('half a request, then FIN', '*2\r\n$4\r\nECHO\r\n$5\r\nhe', { finAtOnce: true }),
  row('half a line, then FIN', 'PING\r\nPIN', { finAtOnce: true }),
  row('nothing, then FIN', '', { finAtOnce: true }),
  row('a whole transaction, then FIN', commands('MULTI', 'SET k 1', 'EXEC'), { finAtOnce: true }),
  row('a broken request, then FIN', '*1\r\n$x\r\n', { finAtOnce: true }),
  row('a broken request behind others', `${commands('SET k 1', 'GET k', 'GET k')}*1\r\n$x\r\n`),
  row('a request in three pieces', ['*2\r\n$4\r\nEC', 'HO\r\n$5\r\nhe', 'llo\r\n']),
  row('a broken request in pieces', ['*2\r\n$4\r\nECHO', '\r\n$', 'x', '\r\n']),
  row('half a request', `${commands('PING')}*2\r\n$4\r\nECHO\r\n$5\r\nhe`, { partial: true }),
  row('many', Array.from({ length: 300 }, (_, i) => commands(`INCR k${i % 7}`, 'CLIENT GETNAME', 'nosuch')).join('')),
]

function everyByte(): string {
  let input = ''
  for (let byte = 0; byte < 256; byte++) {
    const key = `k${String.fromCharCode(byte)}`
    input += command('SET', key, key.repeat(2)) + command('GET', key)
  }
  return input
}

export const COMPARED: Readonly<Record<string, readonly ComparedRow[]>> = {
  'inline requests': INLINE,
  'numbers of arguments': ARGUMENTS,
  'unknown commands': UNKNOWN,
  HELLO,
  'about the connection': CONNECTION,
  transactions: TRANSACTIONS,
  'replies of every kind': REPLIES,
  'publish and subscribe': PUBSUB,
  'blocking commands': BLOCKING.map(each => ({ ...each, blocks: true })),
  'the ends of connections': ENDS,
}
