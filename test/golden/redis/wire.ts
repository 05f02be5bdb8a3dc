/** What Redis 7.0 answers to bytes, right and wrong ones, and how the connection ends; latin1. */

export interface GoldenRow {
  readonly name: string
  readonly input: string
  readonly reply: string
  /** Whether Redis ends the connection; `waits` for more of a request, else it serves the next one. */
  readonly ending: 'end' | 'open' | 'waits'
  /** Where Portolan differs on purpose, and why. */
  readonly portolan?: { readonly reply: string; readonly ending: 'end' | 'open' | 'waits'; readonly why: string }
}

const refused = (name: string, input: string, text: string): GoldenRow => ({
  name,
  input,
  reply: `-ERR Protocol error: ${text}\r\n`,
  ending: 'end',
})
const skipped = (name: string, input: string): GoldenRow => ({ name, input, reply: '', ending: 'open' })
const awaited = (name: string, input: string): GoldenRow => ({ name, input, reply: '', ending: 'waits' })
const PING = '*1\r\n$4\r\nPING\r\n'

export const GOLDEN: readonly GoldenRow[] = [
  refused('a count that is no number', '*a\r\n', 'invalid multibulk length'),
  refused('a count beyond 2^31-1', '*2147483648\r\n', 'invalid multibulk length'),
  refused('a count with a plus sign', '*+1\r\n', 'invalid multibulk length'),
  refused('a count with a leading zero', '*01\r\n', 'invalid multibulk length'),
  refused('a count beyond -2^63', '*-9223372036854775809\r\n', 'invalid multibulk length'),
  refused('no count', '*\r\n', 'invalid multibulk length'),
  refused('a length that is no number', '*1\r\n$x\r\n', 'invalid bulk length'),
  refused('a length of -1', '*1\r\n$-1\r\n', 'invalid bulk length'),
  refused('a length of 4 GiB', '*1\r\n$4294967296\r\n', 'invalid bulk length'),
  refused('a length above 512 MiB', '*1\r\n$536870913\r\n', 'invalid bulk length'),
  refused('a length with a leading zero', '*1\r\n$04\r\nPING\r\n', 'invalid bulk length'),
  refused('no length', '*1\r\n$\r\n', 'invalid bulk length'),
  refused('a simple string as an argument', '*1\r\n+PING\r\n', "expected '$', got '+'"),
  refused('a list as an argument', '*1\r\n*1\r\n', "expected '$', got '*'"),
  refused('a line break as an argument', '*1\r\n\r\n', "expected '$', got ' '"),
  {
    ...refused('a byte that is not ASCII as an argument', '*1\r\n\xe9\r\n', "expected '$', got '\xe9'"),
  },
  refused('70,000 bytes without a line break', 'x'.repeat(70_000), 'too big inline request'),
  refused('a quote that is not closed', 'SET "a\r\n', 'unbalanced quotes in request'),
  refused('a quote that ends within a word', 'SET "a"b\r\n', 'unbalanced quotes in request'),
  refused('an escape that is cut off', 'GET "x\\x4\r\n', 'unbalanced quotes in request'),
  { name: 'HTTP', input: 'POST / HTTP/1.1\r\nHost: x\r\n\r\n', reply: '', ending: 'end' },
  { name: 'a Host header', input: 'Host: x\r\n\r\n', reply: '', ending: 'end' },
  {
    name: 'POST as a command',
    input: '*1\r\n$4\r\nPoSt\r\n',
    reply: '',
    ending: 'end',
  },
  skipped('a count of 0', '*0\r\n'),
  skipped('a count of -1', '*-1\r\n'),
  skipped('a count of -5', '*-5\r\n'),
  skipped('a count of -2^63', '*-9223372036854775808\r\n'),
  skipped('an empty line', '\r\n'),
  skipped('a line of blanks', ' \t \r\n'),
  skipped('several of them', '\r\n*0\r\n\n*-1\r\n\r\n'),
  {
    name: 'two other bytes behind a bulk',
    input: '*1\r\n$4\r\nPINGxx',
    reply: '+PONG\r\n',
    ending: 'open',
    portolan: {
      reply: '-ERR Protocol error: bulk string not ended by CRLF\r\n',
      ending: 'end',
      why: 'Whoever takes any two bytes there may be out of step with a backend that does not.',
    },
  },
  {
    name: 'a good request, a bad one, a good one',
    input: `${PING}*1\r\n$x\r\n${PING}`,
    reply: '+PONG\r\n-ERR Protocol error: invalid bulk length\r\n',
    ending: 'end',
  },
  {
    name: 'a good line, a bad one, a good one',
    input: 'PING\r\nSET "a\r\nPING\r\n',
    reply: '+PONG\r\n-ERR Protocol error: unbalanced quotes in request\r\n',
    ending: 'end',
  },
  {
    name: 'a zero byte in a line',
    input: 'PING\0\r\n',
    reply: '',
    ending: 'waits',
    portolan: {
      reply: '+PONG\r\n',
      ending: 'open',
      why: 'Redis does not see the end of such a line and waits until the client goes; nobody can rely on that.',
    },
  },
  {
    name: 'a length line that goes on',
    input: `*${'1'.repeat(40)}`,
    reply: '',
    ending: 'waits',
    portolan: {
      reply: '-ERR Protocol error: invalid multibulk length\r\n',
      ending: 'end',
      why: 'It cannot become a number any more; Redis says the same when the line ends, or at 64 KiB.',
    },
  },
  {
    name: 'QUIT with replies off',
    input: 'CLIENT REPLY OFF\r\nQUIT\r\n',
    reply: '',
    ending: 'waits',
    portolan: {
      reply: '',
      ending: 'end',
      why: 'Redis hears nothing more from such a client and closes only after a reply, which never comes.',
    },
  },
  awaited('a TLS ClientHello', '\x16\x03\x01\x01\x3a\x01\0\x01\x36\x03\x03'),
  awaited('a million arguments', '*1048577\r\n'),
  awaited('2^31-1 arguments', '*2147483647\r\n$1\r\na\r\n'),
  awaited('512 MiB', '*2\r\n$4\r\nECHO\r\n$536870912\r\nabc'),
  awaited('half a count', '*1'),
  awaited('half a length', '*1\r\n$4\r'),
  awaited('half an argument', '*2\r\n$4\r\nECHO\r\n$5\r\nhel'),
  awaited('an argument without its CRLF', '*1\r\n$4\r\nPING'),
  awaited('half a line', 'PIN'),
]

export const NOAUTH = '-NOAUTH Authentication required.\r\n'

/** Before authentication, the password being `secret`. */
export const GOLDEN_UNAUTHENTICATED: readonly GoldenRow[] = [
  refused('eleven arguments', '*11\r\n', 'unauthenticated multibulk length'),
  refused('2^31-1 arguments', '*2147483647\r\n', 'unauthenticated multibulk length'),
  refused('2^31 arguments', '*2147483648\r\n', 'invalid multibulk length'),
  {
    ...refused('an argument above 16 KiB', '*1\r\n$16385\r\n', 'unauthenticated bulk length'),
  },
  refused('an argument of 512 MiB', '*1\r\n$536870912\r\n', 'unauthenticated bulk length'),
  refused('an argument above 512 MiB', '*1\r\n$536870913\r\n', 'invalid bulk length'),
  refused('a length with a leading zero', '*1\r\n$04\r\n', 'invalid bulk length'),
  awaited('an argument of 16 KiB', '*2\r\n$4\r\nAUTH\r\n$16384\r\n'),
  awaited('ten arguments', '*10\r\n$4\r\nAUTH\r\n'),
  { name: 'a command', input: PING, reply: NOAUTH, ending: 'open' },
  {
    name: 'an unknown command',
    input: 'nonsense\r\n',
    reply: unknown('nonsense'),
    ending: 'open',
  },
  {
    name: 'an unknown command of many bytes',
    input: `*4\r\n$3\r\n\xff\r\n\r\n$3\r\na\0b\r\n$127\r\n${'x'.repeat(127)}\r\n$1\r\ny\r\n`,
    reply: `-ERR unknown command '\xff  ', with args beginning with: 'a' '${'x'.repeat(124)}' \r\n`,
    ending: 'open',
  },
  {
    name: 'an unknown subcommand',
    input: 'CLIENT nosuch\r\n',
    reply: "-ERR unknown subcommand 'nosuch'. Try CLIENT HELP.\r\n",
    ending: 'open',
  },
  { name: 'a subcommand with too much', input: 'CLIENT ID x\r\n', reply: arity('client|id'), ending: 'open' },
  {
    name: 'EXEC',
    input: 'EXEC\r\nEXEC x\r\n',
    reply:
      '-EXECABORT Transaction discarded because of: NOAUTH Authentication required.\r\n' +
      "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command\r\n",
    ending: 'open',
  },
  {
    name: 'a line of eleven words',
    input: `GET ${'a '.repeat(10)}\r\n`,
    reply: arity('get'),
    ending: 'open',
  },
  {
    name: 'a line with a long word',
    input: `GET ${'a'.repeat(20_000)}\r\n`,
    reply: NOAUTH,
    ending: 'open',
  },
  { name: 'HTTP', input: 'POST / HTTP/1.1\r\n', reply: '', ending: 'end' },
  { name: 'QUIT', input: `QUIT\r\n${PING}`, reply: '+OK\r\n', ending: 'end' },
]

/** The same, but that the client has authenticated at the end. */
export const GOLDEN_AUTHENTICATING: readonly GoldenRow[] = [
  {
    name: 'the password, then commands of any size',
    input: `AUTH secret\r\n*11\r\n${'$3\r\nDEL\r\n'.repeat(11)}`,
    reply: '+OK\r\n:0\r\n',
    ending: 'open',
  },
  {
    name: 'a wrong password, then the right one',
    input: 'AUTH wrong\r\nAUTH default wrong\r\nAUTH nobody secret\r\nAUTH default secret\r\nPING\r\n',
    reply: `${'-WRONGPASS invalid username-password pair or user is disabled.\r\n'.repeat(3)}+OK\r\n+PONG\r\n`,
    ending: 'open',
  },
]

function unknown(name: string): string {
  return `-ERR unknown command '${name}', with args beginning with: \r\n`
}

function arity(name: string): string {
  return `-ERR wrong number of arguments for '${name}' command\r\n`
}
