/** The table of digests keeps what is used, within its bound. */
import { expect, test } from 'vitest'
import { DEFAULT_SCAN_MODE, StatementKind, StatementScanner } from '../../../codecs/mysql/index.ts'
import { type Digest, DigestTable } from '../../../listeners/mysql/digest-table.ts'
import { BOUNDS_MS, bucketOf } from '../../../src/observability/operation-stats.ts'

const scanner = new StatementScanner()

function find(table: DigestTable, sql: string): Digest {
  const bytes = Buffer.from(sql)
  scanner.scan(bytes, 0, bytes.length, DEFAULT_SCAN_MODE)
  return table.find(scanner)
}

const texts = (table: DigestTable) => [...table].map(({ text }) => text)

test('statements that differ in literals share a digest, others do not', () => {
  const table = new DigestTable()
  const one = find(table, 'SELECT a FROM t WHERE id = 1')
  expect(find(table, "select a  from t where id = 'x'")).toBe(one)
  expect(find(table, 'SELECT b FROM t WHERE id = 1')).not.toBe(one)
  expect(one).toMatchObject({ text: 'select a from t where id = ?', kind: StatementKind.SELECT })
  expect(one.id).toMatch(/^[0-9a-f]{16}$/)
  expect(table.size).toBe(2)
})

test('the one used least recently makes room', () => {
  const table = new DigestTable(3)
  const [a, b, c] = ['a', 'b', 'c'].map(column => find(table, `SELECT ${column}`)) as [Digest, Digest, Digest]
  for (const [i, digest] of [a, b, c, a].entries()) table.use(digest, i)
  find(table, 'SELECT d')
  expect(texts(table)).toEqual(['select d', 'select a', 'select c'])
  expect(table.dropped).toBe(1)
  for (let i = 0; i < 10_000; i++) find(table, `SELECT x${i}`)
  expect(table.size).toBe(3)
  expect(table.dropped).toBe(10_001)
  expect(texts(table)).toEqual(['select x9999', 'select x9998', 'select x9997'])
})

test('one that was dropped comes back when it is used, as itself or as its successor', () => {
  const table = new DigestTable(2)
  const kept = find(table, 'SELECT a')
  table.use(kept, 1)
  find(table, 'SELECT b')
  find(table, 'SELECT c')
  expect(texts(table)).not.toContain('select a')
  expect(table.use(kept, 2)).toBe(kept)
  expect(kept).toMatchObject({ count: 2, firstSeen: 1, lastSeen: 2 })
  expect(texts(table)).toEqual(['select a', 'select c'])
  find(table, 'SELECT d')
  find(table, 'SELECT e')
  const successor = find(table, 'SELECT a')
  expect(successor).not.toBe(kept)
  expect(table.use(kept, 3)).toBe(successor)
  expect(successor.count).toBe(1)
})

test('quantiles lie within the bucket that they are in, and not above what was seen', () => {
  const digest = find(new DigestTable(), 'SELECT 1')
  expect(digest.quantileMs(0.95)).toBe(0)
  for (let i = 0; i < 100; i++) {
    const ms = i < 90 ? 0.7 : 40
    digest.buckets[bucketOf(ms)]!++
    digest.maxMs = Math.max(digest.maxMs, ms)
  }
  const bucket = bucketOf(0.7)
  expect(digest.quantileMs(0.5)).toBeGreaterThan(BOUNDS_MS[bucket - 1]!)
  expect(digest.quantileMs(0.5)).toBeLessThan(BOUNDS_MS[bucket]!)
  expect(digest.quantileMs(0.95)).toBeGreaterThan(BOUNDS_MS[bucketOf(40) - 1]!)
  expect(digest.quantileMs(1)).toBe(40)
})
