/** `portolan plugin verify`: what proves a plug-in, and what does not. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { runPluginVerify } from '../../src/cli/plugin.ts'
import { inspectPlugin } from '../../src/plugins/index.ts'
import { PluginFolder } from './folder.ts'

let folder: PluginFolder

beforeEach(() => {
  folder = new PluginFolder()
  folder.delete('proof.json')
})
afterEach(() => folder.remove())

async function verify() {
  let text = ''
  const code = await runPluginVerify(folder.path, { write: part => (text += part) })
  return { code, text }
}

it('runs every case with every implementation, and writes a proof that holds', async () => {
  const { code, text } = await verify()
  expect({ code, text }).toEqual({ code: 0, text: expect.stringContaining('√ proved: ') })
  expect(text).toMatch(/\nskylark \(Skylark Messaging\)\n( {2}√ .*\n){5}\npigeon-post \(Pigeon Post\)\n( {2}√ .*\n){5}/)
  const { standing, digest } = await inspectPlugin(folder.path)
  expect(standing).toMatchObject({ proof: { digest, versions: { node: process.versions.node } } })
})

it('proves nothing when one implementation differs', async () => {
  folder.change('text-messages.mjs', "1: 'DELIVERED'", "1: 'FAILED'")
  const { code, text } = await verify()
  expect(code).toBe(3)
  expect(text).toContain('  × a message is followed until it is delivered: ')
  expect(text.match(/×/g)).toHaveLength(2)
  expect(text).toContain('× not proved')
  expect(await inspectPlugin(folder.path)).toMatchObject({ standing: { doubt: 'it has no proof.json' } })
})

it('tells what cannot be opened, for each case', async () => {
  folder.change('text-messages.mjs', 'export function open(implementation,', 'export function open(implementation,')
  folder.change('text-messages.mjs', "if (typeof url !== 'string')", "if (implementation === 'skylark')")
  const { code, text } = await verify()
  expect(code).toBe(3)
  expect(text.match(/× .*open\("skylark"\): the option url must be/g)).toHaveLength(5)
  expect(text.match(/√/g)).toHaveLength(5)
})

it('shows a response that the message cannot hold', async () => {
  folder.change(
    'text-messages.mjs',
    'return { id: await calls.send(to, text) }',
    'return { ident: await calls.send(to, text) }',
  )
  expect((await verify()).text).toContain('examples.messaging.v1.SendResponse has no field ident')
})

it.each<[string, (folder: PluginFolder) => void, string]>([
  ['no cases', it => it.write('conformance.mjs', 'export const cases = {}'), 'exports no cases'],
  ['a file that does not parse', it => it.write('conformance.mjs', 'export {'), 'cannot be loaded: '],
  [
    'await at the top level',
    it => it.write('conformance.mjs', 'await 1\nexport const cases = {}'),
    'has an await at its top',
  ],
])('refuses %s', async (_, spoil, reason) => {
  spoil(folder)
  expect(await verify()).toEqual({ code: 1, text: expect.stringContaining(reason) })
})

it('refuses what has changed since this process loaded it', async () => {
  await verify()
  folder.write('more.txt', '')
  expect(await verify()).toEqual({
    code: 1,
    text: expect.stringContaining('have changed since this process loaded them'),
  })
})

it.each<[string, string, string]>([
  ['a case', 'conformance.mjs', "export const cases = { 'waits for nothing': () => new Promise(() => {}) }"],
  ['open', 'text-messages.mjs', 'export const open = () => new Promise(() => {})'],
])('gives up on %s that never ends', async (_, file, text) => {
  folder.write('conformance.mjs', "export const cases = { 'waits for nothing': client => client.Send({}) }")
  if (file === 'conformance.mjs') folder.change('text-messages.mjs', "typeof url !== 'string'", 'false')
  folder.write(file, text)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    let outcome: Awaited<ReturnType<typeof verify>> | undefined
    const over = verify().then(result => (outcome = result))
    while (!outcome) {
      await new Promise(resolve => setImmediate(resolve))
      vi.advanceTimersByTime(30_000)
    }
    await over
    expect(outcome.code).toBe(3)
    expect(outcome.text.match(/ {2}× waits for nothing: .*took more than 30 s/g)).toHaveLength(2)
  } finally {
    vi.useRealTimers()
  }
})
