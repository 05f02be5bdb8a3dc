/** A disk that takes nothing more: callers are told, nothing is lost, and all goes on by itself when there is room again. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, expect, test } from 'vitest'
import { embeddedSequencer } from '../../../src/components/sequencer/embedded.ts'
import { buildProgram } from '../../support/program.ts'
import { temporaryDirectory } from '../embedded-directory.ts'
import { openStore } from '../open.ts'

/** Answers each line, which names a call, by the call's answer or its error, as JSON. */
const PROGRAM = `
  import { createInterface } from 'node:readline'
  import { embeddedConfiguration } from './src/components/configuration/embedded.ts'
  import { embeddedSequencer } from './src/components/sequencer/embedded.ts'
  import { openStore } from './test/components/open.ts'
  async function main() {
    const written = { dataDirectory: process.env['DATA'] }
    const sequencer = await openStore(embeddedSequencer, written)
    const configuration = await openStore(embeddedConfiguration, written)
    const late = await openStore(embeddedSequencer, written, { name: 'late' })
    const where = { group: '', label: '' }
    const calls = {
      reserve: () => sequencer.reserve('k', 1),
      check: () => sequencer.check(1000),
      write: () => configuration.write([{ ...where, key: 'a', value: 'x'.repeat(1_000_000) }]),
      read: async () => (await configuration.get({ ...where, keys: ['a'] })).map(({ value }) => value.length),
      late: () => late.reserve('k', 1),
    }
    for await (const line of createInterface(process.stdin)) {
      const answer = await calls[line]().catch(({ code, message }) => ({ code, message }))
      console.log(JSON.stringify(answer, (_, value) => (typeof value === 'bigint' ? Number(value) : value)))
    }
  }
  main()
`

let child: ChildProcess | undefined
afterEach(() => child?.kill('SIGKILL'))

test('what the disk did not take is written later; until then nothing more is taken', async () => {
  const folder = temporaryDirectory()
  const dataDirectory = join(folder, 'data')
  const program = await buildProgram(join(folder, 'program'), PROGRAM)
  const env = { ...process.env, DATA: dataDirectory }
  const process_ = spawn(process.execPath, [program], { env, stdio: ['pipe', 'pipe', 'ignore'] })
  child = process_
  const answers = createInterface(process_.stdout)[Symbol.asyncIterator]()
  const call = async (name: string) => {
    process_.stdin.write(`${name}\n`)
    return JSON.parse((await answers.next()).value)
  }
  // No file may grow: to the library that is a disk without room.
  const full = (limit: string) => execFileSync('prlimit', ['--pid', String(process_.pid), `--fsize=${limit}`])
  const lost = { code: 'unknown', message: expect.stringContaining('could not write') }
  const refused = { code: 'unavailable', message: expect.stringContaining('cannot write') }

  expect(await call('reserve')).toBe(1)
  full('4096:unlimited')
  expect(await call('write')).toMatchObject(lost)
  for (const name of ['reserve', 'check', 'read', 'late']) expect(await call(name), name).toMatchObject(refused)
  full('unlimited:unlimited')
  expect(await call('late')).toBe(1)
  expect(await call('read')).toEqual([1_000_000])
  expect(await call('reserve')).toBe(2)
  process_.kill('SIGKILL')
  await once(process_, 'exit')
  const again = await openStore(embeddedSequencer, { dataDirectory })
  expect(await again.reserve('k', 1)).toBe(3n)
  await again.close()
})
