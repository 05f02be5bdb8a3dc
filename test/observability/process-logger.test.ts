import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ProcessLogger } from '../../src/observability/process-logger.ts'
import { registerSecret } from '../../src/observability/redact.ts'

let folder: string
let fd: number
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portolan-log-'))
  fd = openSync(join(folder, 'log'), 'a')
})
afterEach(() => {
  closeSync(fd)
  rmSync(folder, { recursive: true })
})

async function written(logger: ProcessLogger): Promise<string[]> {
  await logger.flush()
  return readFileSync(join(folder, 'log'), 'utf8').split('\n').slice(0, -1)
}

describe('json', () => {
  test('what was logged before open() comes first, with its own time and from the level on', async () => {
    const logger = new ProcessLogger(fd)
    const before = Date.now()
    logger.child({ listener: 'a' }).child({ more: 1 }).warn({ x: 2 }, 'early')
    logger.info({}, 'too fine')
    const after = Date.now()
    await logger.open({ level: 'warn', format: 'json' })
    logger.info({}, 'too fine')
    logger.error({}, 'late')
    const [early, late, ...rest] = (await written(logger)).map(line => JSON.parse(line))
    expect(early).toMatchObject({ level: 'warn', listener: 'a', more: 1, x: 2, msg: 'early' })
    expect(Date.parse(early.time)).toBeGreaterThanOrEqual(before)
    expect(Date.parse(early.time)).toBeLessThanOrEqual(after)
    expect(late).toMatchObject({ level: 'error', msg: 'late' })
    expect(rest).toEqual([])
  })

  test('a changed level is taken over', async () => {
    const logger = new ProcessLogger(fd)
    await logger.open({ level: 'info', format: 'json' })
    logger.debug({}, 'no')
    await logger.open({ level: 'debug', format: 'json' })
    logger.debug({}, 'yes')
    expect((await written(logger)).map(line => JSON.parse(line).msg)).toEqual(['yes'])
  })

  test('secrets are hidden in fields, messages and stacks', async () => {
    registerSecret('hunter2-"quoted"')
    const logger = new ProcessLogger(fd)
    await logger.open({ level: 'info', format: 'json' })
    logger.info({ password: 'p4ss', note: 'it is hunter2-"quoted"' }, 'so hunter2-"quoted"')
    logger.error({ error: new Error('bad hunter2-"quoted"') }, 'failed')
    const lines = await written(logger)
    for (const line of lines) expect(JSON.parse(line)).toBeTypeOf('object')
    expect(lines.join()).not.toMatch(/hunter2|p4ss/)
    expect(lines.join().match(/\[redacted\]/g)!.length).toBeGreaterThanOrEqual(5)
  })
})

test('text is one line for people, with the stack below', async () => {
  const logger = new ProcessLogger(fd)
  await logger.open({ level: 'info', format: 'text' })
  logger.info({ listener: 'a', reason: 'two words', count: 3 }, 'listening')
  logger.error({ error: new Error('oops') }, 'failed')
  const [line, failed, ...stack] = await written(logger)
  expect(line).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z info {2}listening listener=a reason="two words" count=3$/)
  expect(failed).toMatch(/Z error failed error="oops"$/)
  expect(stack[0]).toBe('    Error: oops')
})

test('a changed format is taken over, and no line is lost', async () => {
  const logger = new ProcessLogger(fd)
  await logger.open({ level: 'info', format: 'json' })
  logger.info({}, 'one')
  await logger.open({ level: 'info', format: 'text' })
  logger.info({}, 'two')
  const lines = await written(logger)
  expect(lines[0]).toContain('"msg":"one"')
  expect(lines[1]).toMatch(/ info {2}two$/)
})

test('last words are written before the process goes on', async () => {
  const logger = new ProcessLogger(fd)
  await logger.open({ level: 'info', format: 'json' })
  await logger.flush()
  logger.info({}, 'on its way')
  logger.error({}, 'last words')
  logger.flushSync()
  expect(readFileSync(join(folder, 'log'), 'utf8')).toContain('last words')
  await logger.flush()
})

test('a closed output does not end the process', async () => {
  const logger = new ProcessLogger(9999)
  await logger.open({ level: 'info', format: 'json' })
  for (let i = 0; i < 100; i++) logger.info({}, 'into the void')
  await logger.flush()
  logger.flushSync()
})
