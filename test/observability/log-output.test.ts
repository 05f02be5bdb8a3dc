import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LogOutput } from '../../src/observability/log-output.ts'

let folder: string
let path: string
const open: number[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portolan-log-'))
  path = join(folder, 'log')
})
afterEach(() => {
  for (const fd of open.splice(0)) closeSync(fd)
  rmSync(folder, { recursive: true })
})

function opened(file: string, flags: string | number): number {
  const fd = openSync(file, flags)
  open.push(fd)
  return fd
}

test('lines come in order, however many', async () => {
  const output = new LogOutput(opened(path, 'a'))
  const lines = Array.from({ length: 5000 }, (_, i) => `line ${i}\n`)
  for (const line of lines) output.write(line)
  await output.flush()
  expect(readFileSync(path, 'utf8')).toBe(lines.join(''))
})

test('flush waits for nothing when nothing waits', async () => {
  await new LogOutput(opened(path, 'a')).flush()
})

describe('last words', () => {
  test('are there at once', async () => {
    const output = new LogOutput(opened(path, 'a'))
    output.write('being written\n')
    output.write('last\n')
    output.flushSync()
    expect(readFileSync(path, 'utf8')).toContain('last\n')
    await output.flush()
    expect(readFileSync(path, 'utf8').split('\n').sort()).toEqual(['', 'being written', 'last'])
  })

  test('on an output that is full, or not open, end', async () => {
    for (const fd of [opened('/dev/full', 'a'), 9999]) {
      const output = new LogOutput(fd)
      output.write('a\n')
      output.write('b\n')
      output.flushSync()
      await output.flush()
    }
  })
})

describe('a pipe in non-blocking mode', () => {
  function pipe(): { readonly reader: number; readonly output: LogOutput } {
    execFileSync('mkfifo', [path])
    const reader = opened(path, constants.O_RDONLY | constants.O_NONBLOCK)
    return { reader, output: new LogOutput(opened(path, constants.O_WRONLY | constants.O_NONBLOCK)) }
  }

  async function drained(reader: number, output: LogOutput): Promise<string> {
    let text = ''
    let idle = false
    const flushed = output.flush().then(() => (idle = true))
    const buffer = Buffer.alloc(65_536)
    for (;;) {
      const wasIdle = idle
      try {
        text += buffer.toString('utf8', 0, readSync(reader, buffer))
      } catch {
        if (wasIdle) break
        await new Promise(resolve => setImmediate(resolve))
      }
    }
    await flushed
    return text
  }

  test('that is full is waited for', async () => {
    const { reader, output } = pipe()
    const text = `${'x'.repeat(300_000)}\n`
    output.write(text)
    expect(await drained(reader, output)).toBe(text)
  })

  test('whose reader is stuck costs lines, not memory, and holds up nobody for long', async () => {
    const { reader, output } = pipe()
    const line = `${'x'.repeat(999)}\n`
    for (let i = 0; i < 10_000; i++) output.write(line)
    await output.flush()
    const text = await drained(reader, output)
    expect(text.length).toBeGreaterThan(1_000_000)
    expect(text.length).toBeLessThan(1_100_000)
  })

  test('that is full does not hold up the end', () => {
    const { output } = pipe()
    for (let i = 0; i < 300; i++) output.write('x'.repeat(1000))
    output.flushSync()
  })

  test('whose reader has gone costs nothing', async () => {
    const { reader, output } = pipe()
    closeSync(reader)
    open.splice(open.indexOf(reader), 1)
    for (let i = 0; i < 10; i++) {
      output.write('x\n')
      await output.flush()
    }
    output.write('y\n')
    output.flushSync()
  })
})
