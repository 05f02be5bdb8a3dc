/** GET /mysql/pins and GET /mysql/digests, for one listener. */
import { statementKindNames } from '../../codecs/mysql/index.ts'
import type { Clock } from '../../src/protocol.ts'
import type { Digest, DigestTable } from './digest-table.ts'
import { type OpenPin, type PinLog, type Pinned, pinFacts } from './pin-log.ts'

/** Of the pins that hold now the oldest; how many there are in all is told. */
const MAX_CURRENT = 500

export function pinPage(everyone: Iterable<Pinned>, log: PinLog, clock: Clock): object {
  const now = clock.now()
  const current = [...everyone].flatMap(({ id, identity, openPins }) =>
    openPins.map(open => ({ ...open, client: id, user: identity.username, durationMs: now - open.since })),
  )
  current.sort((a, b) => a.since - b.since)
  return {
    pinned: current.length,
    current: current.slice(0, MAX_CURRENT).map(each => pinRow(each, clock)),
    recent: log.recent.map(each => pinRow(each, clock)),
  }
}

interface Row extends Omit<OpenPin, 'told'> {
  readonly client: number
  readonly user: string
  readonly durationMs: number
}

function pinRow({ client, user, pin, since, durationMs, digest }: Row, clock: Clock): object {
  const { name, advice } = pinFacts(pin)
  return {
    client,
    user,
    reason: name,
    since: dateOf(since, clock),
    durationMs: Math.round(durationMs),
    digest: digest?.id ?? null,
    statement: digest?.text ?? null,
    advice,
  }
}

/** Those that took most time first. */
export function digestPage(table: DigestTable, clock: Clock): object {
  const used = [...table].filter(({ count }) => count > 0).sort((a, b) => b.totalMs - a.totalMs)
  return { dropped: table.dropped, digests: used.map(each => digestRow(each, clock)) }
}

function digestRow(digest: Digest, clock: Clock): object {
  const { id, text, kind, count, errors, rows, affected, bytes, totalMs, maxMs, pins, firstSeen, lastSeen } = digest
  return {
    digest: id,
    statement: text,
    kind: statementKindNames[kind],
    count,
    errors,
    rows,
    affected,
    bytes,
    totalMs: round(totalMs),
    p50Ms: round(digest.quantileMs(0.5)),
    p95Ms: round(digest.quantileMs(0.95)),
    maxMs: round(maxMs),
    pins,
    firstSeen: dateOf(firstSeen, clock),
    lastSeen: dateOf(lastSeen, clock),
  }
}

const round = (ms: number) => Math.round(ms * 1000) / 1000

function dateOf(at: number, clock: Clock): string {
  return new Date(Date.now() - (clock.now() - at)).toISOString()
}
