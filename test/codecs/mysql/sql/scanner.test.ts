/** What a scan tells of statements: each row of the tables fed whole, byte by byte and split at every offset. */
import { describe, expect, test } from 'vitest'
import { DEFAULT_SCAN_MODE, type ScanMode, StatementScanner } from '../../../../codecs/mysql/index.ts'
import { everyFeed } from '../../../support/feed.ts'
import { everything, facts, scan } from './facts.ts'
import { IN_MODES, STATEMENTS } from './statements.ts'

/** One for all, as a listener has: what a text leaves behind must not show in the next. */
const shared = new StatementScanner()

function check(bytes: Buffer, expected: string, mode: ScanMode): void {
  shared.scan(bytes, 0, bytes.length, mode)
  expect(facts(shared)).toBe(expected)
  const whole = everything(shared)
  for (const { way, pieces } of everyFeed(bytes)) expect(everything(scan(pieces, mode)), way).toEqual(whole)
  const padded = Buffer.concat([Buffer.from("x' "), bytes, Buffer.from(' y" FOR UPDATE')])
  shared.scan(padded, 3, 3 + bytes.length, mode)
  expect(everything(shared), 'within other bytes').toEqual(whole)
}

test.each(STATEMENTS)('%j: %s', (statement, expected) => check(Buffer.from(statement), expected, DEFAULT_SCAN_MODE))

describe.each(IN_MODES)('%j', (mode, rows) => {
  test.each(rows)('%j: %s', (statement, expected) =>
    check(Buffer.from(statement, mode.leadBytes ? 'latin1' : 'utf8'), expected, mode),
  )
})
