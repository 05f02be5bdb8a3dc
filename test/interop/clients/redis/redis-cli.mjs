// redis-cli in all its modes.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cases, until } from '../cases.mjs'
import { authPort, host, port } from './address.mjs'

/** A running redis-cli: `{ text(), end, type(line), stop() }`. */
function start(after, args, { at = port, stdin, terminal = false } = {}) {
  const all = ['redis-cli', '-h', host, '-p', String(at), ...args]
  const [program, ...rest] = terminal ? ['script', '-qfc', all.join(' '), '/dev/null'] : all
  const child = spawn(program, rest, { env: { ...process.env, TERM: 'dumb' } })
  let text = ''
  child.stdout.on('data', chunk => {
    text += chunk
  })
  child.stderr.on('data', chunk => {
    text += chunk
  })
  child.stdin.on('error', () => {})
  if (stdin !== undefined) child.stdin.end(stdin)
  after(() => child.kill('SIGKILL'))
  return {
    text: () => text,
    type: line => child.stdin.write(`${line}\n`),
    stop: () => child.kill('SIGINT'),
    end: new Promise(resolve => child.on('close', code => resolve({ code, text }))),
  }
}

const cli = async (after, ...args) => (await start(after, args, { stdin: '' }).end).text.trim()

const command = (...words) =>
  Buffer.concat([
    Buffer.from(`*${words.length}\r\n`),
    ...words.flatMap(word => [Buffer.from(`$${Buffer.byteLength(word)}\r\n`), Buffer.from(word), Buffer.from('\r\n')]),
  ])

function temporary(after) {
  const dir = mkdtempSync(join(tmpdir(), 'portolan-interop-cli-'))
  after(() => rmSync(dir, { recursive: true }))
  return dir
}

await cases({
  async 'one command'(after) {
    assert.equal(await cli(after, 'SET', 'k', 'value'), 'OK')
    assert.equal(await cli(after, 'GET', 'k'), 'value')
    assert.equal(await cli(after, '--no-raw', 'GET', 'none'), '(nil)')
    assert.match(await cli(after, 'NOSUCH', 'x'), /^ERR unknown command 'NOSUCH', with args beginning with: 'x'/)
  },
  async RESP3(after) {
    await cli(after, 'HSET', 'h', 'a', '1')
    assert.equal(await cli(after, '-3', '--no-raw', 'HGETALL', 'h'), '1# "a" => "1"')
    assert.equal(await cli(after, '-3', '--json', 'HGETALL', 'h'), '{"a":"1"}')
    assert.match(await cli(after, '-3', 'INFO', 'server'), /redis_version/)
    assert.equal(await cli(after, '-3', '--no-raw', 'ZSCORE', 'z', 'none'), '(nil)')
  },
  async 'database, passwords, URI'(after) {
    await cli(after, '-n', '7', 'SET', 'where', 'seven')
    assert.equal(await cli(after, '-u', `redis://${host}:${port}/7`, 'GET', 'where'), 'seven')
    const at = authPort
    const run = async (...args) => (await start(after, [...args, 'PING'], { at, stdin: '' }).end).text
    assert.match(await run(), /NOAUTH/)
    assert.match(await run('-a', 'secret', '--no-auth-warning'), /^PONG/)
    assert.match(await run('--user', 'app', '--pass', 'app-secret', '--no-auth-warning'), /^PONG/)
    assert.match(await run('-3', '--user', 'app', '--pass', 'app-secret', '--no-auth-warning'), /^PONG/)
    assert.match(await run('-a', 'wrong', '--no-auth-warning'), /WRONGPASS/)
  },
  async 'commands from standard input'(after) {
    const lines = ['SET a 1', 'MULTI', 'INCR a', 'GET a', 'EXEC', 'SELECT 3', 'GET a', 'WATCH a', 'UNWATCH']
    const { text } = await start(after, ['--no-raw'], { stdin: `${lines.join('\n')}\n` }).end
    assert.deepEqual(
      text
        .trim()
        .split('\n')
        .map(line => line.trim()),
      [...['OK', 'OK', 'QUEUED', 'QUEUED', '1) (integer) 2', '2) "2"', 'OK', '(nil)', 'OK', 'OK']],
    )
  },
  async 'interactive: MULTI and SELECT in the prompt'(after) {
    const session = start(after, [], { terminal: true })
    for (const line of ['SELECT 9', 'MULTI', 'SET tx 1', 'DISCARD', 'MULTI', 'SET tx 2', 'EXEC', 'GET tx'])
      session.type(line)
    await until(() => session.text().includes('"2"'))
    assert.match(session.text(), new RegExp(`${port}\\[9\\]\\(TX\\)>`))
    session.type('HELLO 3')
    await until(() => session.text().includes('3# "proto" => (integer) 3'))
    session.type('QUIT')
    await session.end
  },
  async SUBSCRIBE(after) {
    for (const version of ['-2', '-3']) {
      const session = start(after, version === '-3' ? ['-3', 'SUBSCRIBE', 'cli', 'cli2'] : ['SUBSCRIBE', 'cli', 'cli2'])
      await until(() => /cli2\n.*2/.test(session.text()))
      assert.equal(await cli(after, 'PUBLISH', 'cli', 'hello'), '1')
      await until(() => session.text().includes('hello'))
      session.stop()
      await session.end
      await until(async () => (await cli(after, 'PUBLISH', 'cli', 'hello')) === '0')
    }
  },
  async 'PSUBSCRIBE and SSUBSCRIBE'(after) {
    const patterns = start(after, ['PSUBSCRIBE', 'c*'])
    const shard = start(after, ['SSUBSCRIBE', 'cli'])
    await until(() => patterns.text().includes('1') && shard.text().includes('1'))
    assert.equal(await cli(after, 'PUBLISH', 'cli', 'for-pattern'), '1')
    assert.equal(await cli(after, 'SPUBLISH', 'cli', 'for-shard'), '1')
    await until(() => patterns.text().includes('for-pattern') && shard.text().includes('for-shard'))
  },
  async MONITOR(after) {
    const session = start(after, ['MONITOR'])
    await until(() => session.text().startsWith('OK'))
    await cli(after, 'SET', 'monitored', 'x y')
    await until(() => session.text().includes('monitored'))
    assert.match(session.text(), /\n\d+\.\d{6} \[0 \S+\] "SET" "monitored" "x y"\n/)
  },
  async '--pipe of 20000 commands'(after) {
    const input = Buffer.concat(Array.from({ length: 20_000 }, (_, i) => command('SET', `pipe:${i}`, `v${i}`)))
    const { text, code } = await start(after, ['--pipe'], { stdin: input }).end
    assert.match(text, /errors: 0, replies: 20000/)
    assert.equal(code, 0)
    assert.equal(await cli(after, 'GET', 'pipe:19999'), 'v19999')
  },
  async '--pipe of inline commands, with errors'(after) {
    const input = Array.from({ length: 500 }, (_, i) => `SET inline:${i} "v ${i}"\r\n`).join('')
    assert.match((await start(after, ['--pipe'], { stdin: input }).end).text, /errors: 0, replies: 500/)
    assert.match((await start(after, ['--pipe'], { stdin: 'SET a\r\nSET a 1\r\n' }).end).text, /errors: 1, replies: 2/)
    assert.equal(await cli(after, 'GET', 'inline:499'), 'v 499')
  },
  async '--pipe of 100 values of 512 kB and 20000 members'(after) {
    const members = Array.from({ length: 20_000 }, (_, i) => String(i).padStart(10, '0'))
    const large = command('SET', 'large', 'x'.repeat(512_000))
    const input = Buffer.concat([...Array(100).fill(large), ...Array(20).fill(command('RPUSH', 'many', ...members))])
    assert.match((await start(after, ['--pipe'], { stdin: input }).end).text, /errors: 0, replies: 120/)
  },
  async '--scan'(after) {
    const { text } = await start(after, ['--pipe'], {
      stdin: Array.from({ length: 300 }, (_, i) => `SET scan:${i} x\r\n`).join(''),
    }).end
    assert.match(text, /replies: 300/)
    assert.equal((await cli(after, '--scan', '--pattern', 'scan:*')).split('\n').length, 300)
  },
  async '--bigkeys and --memkeys'(after) {
    assert.match(await cli(after, '--bigkeys'), /Biggest string found/)
    assert.match(await cli(after, '--memkeys'), /Biggest .* found/)
  },
  async '--stat and --latency'(after) {
    const stat = start(after, ['--stat', '-i', '0.05'])
    await until(() => stat.text().split('\n').length > 4)
    stat.stop()
    assert.match(await cli(after, '--latency'), /^[\d.]+ [\d.]+ [\d.]+ \d+$/)
  },
  async '--eval'(after) {
    const file = join(temporary(after), 'script.lua')
    writeFileSync(file, 'return {KEYS[1], ARGV[1]}')
    assert.equal(await cli(after, '--eval', file, 'k', ',', 'v'), 'k\nv')
  },
  async '--ldb'(after) {
    const file = join(temporary(after), 'script.lua')
    writeFileSync(file, 'local a = 41\nreturn a + 1\n')
    const session = start(after, ['--ldb', '--eval', file], { stdin: 'next\nprint a\ncontinue\n' })
    assert.match((await session.end).text, /<value> 41.*\(integer\) 42/s)
  },
  async '--rdb'(after) {
    const file = join(temporary(after), 'dump.rdb')
    const text = await cli(after, '--rdb', file)
    assert.equal(readFileSync(file).subarray(0, 5).toString(), 'REDIS', text)
  },
  async '--functions-rdb'(after) {
    const file = join(temporary(after), 'functions.rdb')
    const text = await cli(after, '--functions-rdb', file)
    assert.equal(readFileSync(file).subarray(0, 5).toString(), 'REDIS', text)
  },
  async '-x, -r and -i'(after) {
    const big = 'x'.repeat(2_000_000)
    assert.equal((await start(after, ['-x', 'SET', 'from-stdin'], { stdin: big }).end).text, 'OK\n')
    assert.equal(await cli(after, 'STRLEN', 'from-stdin'), '2000000')
    assert.equal(await cli(after, '-r', '5', '-i', '0.01', 'INCR', 'repeated'), '1\n2\n3\n4\n5')
  },
  async 'blocking command'(after) {
    const session = start(after, ['BLPOP', 'cli-list', '0'])
    await until(async () => (await cli(after, 'INFO', 'clients')).includes('blocked_clients:1'))
    await cli(after, 'RPUSH', 'cli-list', 'x')
    assert.equal((await session.end).text, 'cli-list\nx\n')
  },
  async introspection(after) {
    assert.match(await cli(after, 'COMMAND', 'DOCS', 'get'), /summary/)
    assert.match(await cli(after, 'COMMAND', 'GETKEYS', 'SET', 'a', 'b'), /^a$/)
    assert.match(await cli(after, 'LATENCY', 'DOCTOR'), /./)
    assert.match(await cli(after, 'MEMORY', 'DOCTOR'), /./)
    assert.match(await cli(after, 'CLIENT', 'LIST'), /^id=\d+ addr=127\.0\.0\.1:\d+ .* cmd=client\|list /)
    assert.match(await cli(after, 'ACL', 'WHOAMI'), /^default$/)
    assert.match(await cli(after, 'ROLE'), /^master/)
    assert.match(await cli(after, 'CLUSTER', 'INFO'), /ERR This instance has cluster support disabled/)
    assert.match(await cli(after, 'DEBUG', 'SLEEP', '0'), /^OK$/)
    assert.match(await cli(after, 'WAIT', '0', '100'), /^0$/)
    assert.match(await cli(after, 'SLOWLOG', 'GET'), /^$|\d/)
  },
})
