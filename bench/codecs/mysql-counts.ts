/** Micro benchmarks of what a MySQL listener does for a statement besides passing it on: scan, digest, counts. */

import { COM_QUERY, ResponseTracker } from '../../codecs/mysql/index.ts'
import { DEFAULT_SCAN_MODE, StatementScanner } from '../../codecs/mysql/sql/index.ts'
import { Observer } from '../../listeners/mysql/observer.ts'
import { NOTHING } from '../../listeners/mysql/pinning.ts'
import type { Session } from '../../listeners/mysql/session.ts'
import { silentLogger } from '../../src/observability/logger.ts'
import { Metrics } from '../../src/observability/metrics.ts'
import { systemClock } from '../../src/protocol.ts'
import type { MicroBench } from '../lib/micro.ts'

export function countBenches(): MicroBench[] {
  return [
    counted('scan, digest, counts: point select', 1, ['digest', 'count']),
    counted('scan, digest: point select', 1, ['digest']),
    counted('scan, digest, counts: 500 in turn', 500, ['digest', 'count']),
    counted('scan, digest, counts: always new', 20_000, ['digest', 'count']),
  ]
}

/** For so many statements that differ, one after the other. */
function counted(name: string, statements: number, steps: readonly ('digest' | 'count')[]): MicroBench {
  const texts = Array.from({ length: statements }, (_, i) => Buffer.from(`SELECT c FROM sbtest${i} WHERE id=50213`))
  const scanner = new StatementScanner()
  const observer = new Observer(
    'bench',
    {
      metrics: new Metrics(),
      logger: silentLogger,
      clock: systemClock,
      backend,
      components: new Map(),
      bindings: new Map(),
      inventory: () => ({ components: [], listeners: [] }),
      match: () => [],
      componentKinds: [],
    },
    () => [],
  )
  const tracker = new ResponseTracker({ low: 0, mariadb: 0 }, sink)
  const session = { request: { command: COM_QUERY }, facts: NOTHING, responseBytes: 100, startedAt: performance.now() }
  const isCounted = steps.includes('count')
  let next = 0
  const run = () => {
    const bytes = texts[next++ % statements]!
    scanner.scan(bytes, 0, bytes.length, DEFAULT_SCAN_MODE)
    session.facts = observer.facts(scanner)
    if (isCounted) observer.answered(session as Session, tracker)
    return scanner.statements
  }
  return { name, frames: 1, bytes: texts[0]!.length, run }
}

const sink = {
  onVariable() {},
  onSchema() {},
  onStateChange() {},
  onGtids() {},
  onTransactionCharacteristics() {},
  onTransactionState() {},
}

function backend(): never {
  throw new Error('there is no backend')
}
