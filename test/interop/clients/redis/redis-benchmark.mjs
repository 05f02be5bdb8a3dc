// redis-benchmark: every test it has, at several depths of pipelining and in both protocols.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { cases } from '../cases.mjs'
import { authPort, host, port } from './address.mjs'

const run = promisify(execFile)

async function benchmark(args, { at = port } = {}) {
  const all = ['-h', host, '-p', String(at), '--csv', '-n', '2000', ...args]
  const { stdout, stderr } = await run('redis-benchmark', all, { timeout: 60_000 })
  assert.doesNotMatch(stdout + stderr, /error/i)
  const rows = stdout.trim().split('\n').slice(1)
  for (const row of rows) assert.ok(row.split('","')[1] !== '0.00', row)
  return rows.length
}

await cases({
  'all tests': async () => assert.ok((await benchmark(['-c', '20'])) >= 19),
  'all tests, pipelines of 16': async () => assert.ok((await benchmark(['-c', '20', '-P', '16'])) >= 19),
  'all tests, pipelines of 500': async () => assert.ok((await benchmark(['-c', '5', '-P', '500'])) >= 19),
  'all tests in RESP3': async () => assert.ok((await benchmark(['-3', '-c', '20', '-P', '16'])) >= 19),
  '500 clients': async () => assert.equal(await benchmark(['-c', '500', '-t', 'get,set', '-n', '20000']), 2),
  'values of 100 kB': async () => assert.equal(await benchmark(['-d', '100000', '-t', 'get,set', '-r', '10']), 2),
  'without keep-alive': async () => assert.equal(await benchmark(['-k', '0', '-t', 'ping_mbulk', '-n', '500']), 1),
  'a script': async () =>
    assert.equal(await benchmark(['-r', '100', 'EVAL', 'return redis.call("INCR", KEYS[1])', '1', 'n__rand_int__']), 1),
  password: async () => assert.equal(await benchmark(['-a', 'secret', '-t', 'get'], { at: authPort }), 1),
  'user, password and database': async () => {
    assert.equal(
      await benchmark(['--user', 'app', '-a', 'app-secret', '--dbnum', '4', '-t', 'set'], { at: authPort }),
      1,
    )
  },
})
