/** Micro benchmarks of the MySQL codec: its packets, and the token scan of statements with and without the digest's key. */

import { DEFAULT_SCAN_MODE, StatementScanner } from '../../codecs/mysql/sql/index.ts'
import type { MicroBench } from '../lib/micro.ts'
import { countBenches } from './mysql-counts.ts'
import { packetBenches } from './mysql-packets.ts'

/** About 200 bytes, as applications send them. */
const USUAL =
  "SELECT c.id, c.name, c.email, o.total FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.region = 'eu-west-1' AND o.created_at > '2024-01-01' AND o.status IN (1, 2, 3) ORDER BY o.id DESC LIMIT 50"

export function mysqlBenches(): MicroBench[] {
  return [
    ...packetBenches(),
    scan('scan: sysbench point select', 'SELECT c FROM sbtest1 WHERE id=50213'),
    scan('scan: usual select, 206 B', USUAL),
    digests('scan and digest key: usual select', USUAL),
    scan(
      'scan: insert, 197 B',
      'INSERT INTO `events` (`user_id`, `kind`, `payload`, `created_at`) VALUES (18446744, \'page-view\', \'{"path":"/products/42","referrer":"https://example.org/search?q=teapots"}\', \'2024-05-06 07:08:09.123\')',
    ),
    scan(
      'scan: insert of 100 rows',
      `INSERT INTO t (a, b, c) VALUES ${Array(100).fill("(12345, 'some text here', NOW())").join(', ')}`,
    ),
    scan('scan: IN list of 1,000', `SELECT * FROM t WHERE id IN (${Array(1000).fill('123456').join(', ')})`),
    scan('scan: blob of 64 KiB', `INSERT INTO t VALUES (1, '${'x'.repeat(65536)}')`),
    scan(
      'scan: SET of a driver',
      "SET NAMES utf8mb4, @@session.sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'), autocommit=1",
    ),
    scan('scan: COMMIT', 'COMMIT'),
    ...countBenches(),
  ]
}

function scan(name: string, statement: string): MicroBench {
  const bytes = Buffer.from(statement)
  const scanner = new StatementScanner()
  const run = () => {
    scanner.scan(bytes, 0, bytes.length, DEFAULT_SCAN_MODE)
    return scanner.statements
  }
  return { name, frames: 1, bytes: bytes.length, run }
}

function digests(name: string, statement: string): MicroBench {
  const bytes = Buffer.from(statement)
  const scanner = new StatementScanner()
  const seen = new Map<number, number>()
  const run = () => {
    scanner.scan(bytes, 0, bytes.length, DEFAULT_SCAN_MODE)
    const key = scanner.digestKey()
    seen.set(key, 1)
    return seen.size
  }
  return { name, frames: 1, bytes: bytes.length, run }
}
