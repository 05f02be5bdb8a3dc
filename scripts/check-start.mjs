/**
 * Checks the start-up of what was built, for .ci/run: `npm start` serves on free ports, the second start is under 2 s,
 * Ctrl-C ends everything with exit code 0, and the code cache is taken by V8.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from './build-state.mjs'
import { freePort } from './ports.mjs'

const SECOND_START_MS = 2_000
const data = mkdtempSync(join(tmpdir(), 'portolan-start-'))
process.on('exit', () => rmSync(data, { recursive: true, force: true }))

const [first, second] = [await start(), await start()]
console.log(`npm start until ready: first ${first.ms.toFixed(0)} ms, second ${second.ms.toFixed(0)} ms`)
if (second.ms > SECOND_START_MS) fail(`the second start took more than ${SECOND_START_MS} ms`)
if (!second.kept) fail('the key of the first start was gone at the second')
if (!existsSync(join(ROOT, `dist/portolan-${process.version}.cache`))) fail('the build wrote no code cache')

/** Starts the quickstart, sets a key, and ends it as Ctrl-C does. */
async function start() {
  const redis = await freePort()
  const began = performance.now()
  const child = spawn('npm', ['start'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      PORTOLAN_REDIS_PORT: String(redis),
      PORTOLAN_ADMIN_PORT: String(await freePort()),
      PORTOLAN_DATA_DIR: data,
    },
  })
  const ended = once(child, 'exit')
  let output = ''
  for await (const text of child.stdout.setEncoding('utf8')) {
    output += text
    if (output.includes('Portolan is ready')) break
  }
  const ms = performance.now() - began
  if (child.exitCode !== null || !output.includes('Portolan is ready')) fail(`npm start did not get ready:\n${output}`)
  const before = await ask(redis, 'GET kept')
  const set = await ask(redis, 'SET kept yes')
  if (set !== '+OK\r\n') fail(`SET was answered with ${set}`)
  child.kill('SIGINT')
  const [code] = await ended
  if (code !== 0) fail(`npm start ended with ${code}`)
  return { ms, kept: before.includes('yes') }
}

async function ask(port, command) {
  const socket = connect(port, '127.0.0.1')
  socket.write(`${command}\r\n`)
  const [reply] = await once(socket.setEncoding('utf8'), 'data')
  socket.destroy()
  return reply
}

function fail(message) {
  console.error(`start-up check: ${message}`)
  process.exit(1)
}
