/**
 * What a client has written last, as servers name it: its reads at a replica wait until that has arrived there. Within one
 * source (MySQL) or domain (MariaDB) transactions arrive in their order, so that the last one stands for all.
 */
import type { Member } from './member.ts'
import { query } from './own-statements.ts'
import type { GtidKind } from './session-setup.ts'
import type { Upstream } from './upstream.ts'

/** A GTID as a server tells it, such as `3e11fa47-71ca-11e1-9e33-c80aa9429562:23` or `0-1-23`. */
const GTIDS: Readonly<Record<GtidKind, RegExp>> = {
  mysql: /^(?<source>[\da-f-]{36}(?::[a-z_]\w*)?):(?:\d+-)?(?<number>\d+)$/i,
  mariadb: /^(?<source>\d+)-\d+-(?<number>\d+)$/,
}

interface Gtid {
  readonly text: string
  readonly number: number
}

/** Sources that one client is remembered to have written to: more than one only behind a failover. */
const MAX_SOURCES = 8

export class LastWrite {
  readonly #gtids = new Map<string, Gtid>()
  #kind: GtidKind | null = null
  #member: Member | null = null
  #blindUntil = Number.NEGATIVE_INFINITY

  /** A response has told this GTID. */
  note({ facts }: Upstream, told: string): void {
    this.#kind = facts.gtids
    this.#member = facts.member
    for (const text of told.split(',')) {
      const { source, number } = GTIDS[facts.gtids!].exec(text.trim())?.groups ?? {}
      if (source === undefined) continue
      this.#gtids.delete(source)
      this.#gtids.set(source, { text: text.trim(), number: Number(number) })
    }
    if (this.#gtids.size > MAX_SOURCES) this.#gtids.delete(this.#gtids.keys().next().value!)
  }

  /** Something was written, and no GTID was told: until then only the primary is known to have it. */
  noteBlind(until: number): void {
    this.#blindUntil = until
  }

  isBlind(now: number): boolean {
    return now < this.#blindUntil
  }

  /** Whether this replica is not known to have it all. */
  mayLack({ reached }: Member): boolean {
    for (const [source, { number }] of this.#gtids) if (!((reached.get(source) ?? -1) >= number)) return true
    return false
  }

  /** Asks a replica to wait for it, so many milliseconds at most. */
  await(replica: Upstream, ms: number, done: (arrived: boolean) => void): void {
    const gtids = [...this.#gtids]
    const list = gtids.map(([, { text }]) => text).join(',')
    const call = this.#kind === 'mysql' ? 'WAIT_FOR_EXECUTED_GTID_SET' : 'MASTER_GTID_WAIT'
    query(replica, `SELECT ${call}('${list}',${ms / 1000})`, rows => {
      const arrived = rows[0]?.[0] === '0'
      const { reached } = replica.facts.member
      if (arrived)
        for (const [source, { number }] of gtids) reached.set(source, Math.max(number, reached.get(source) ?? 0))
      done(arrived)
    })
  }

  /** Who was written to; null when nobody was. */
  get member(): Member | null {
    return this.#member
  }

  reset(): void {
    this.#gtids.clear()
    this.#member = null
    this.#blindUntil = Number.NEGATIVE_INFINITY
  }
}
