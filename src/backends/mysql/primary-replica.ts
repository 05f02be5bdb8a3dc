/**
 * One server that is written to, and replicas of it. The primary is who may be written to and replicates from nobody;
 * while several are so, it stays who it is, else the first one of the configuration. Found by looking at all of them
 * again and again, and at once when a connection is lost or a server refuses to write.
 */
import type { Clock } from '../../protocol.ts'
import type { Member } from './member.ts'
import { Monitor, type MonitorCalls } from './monitor.ts'
import type { Purpose, Topology } from './topology.ts'

export interface PrimaryReplicaOptions {
  readonly checkIntervalMs: number
  readonly maxLagMs: number
  /** Where reading goes while no replica can serve. */
  readonly fallBack: boolean
}

export interface PrimaryReplicaCalls {
  open: MonitorCalls['open']
  /** Members serve that did not, or do not any more. */
  onChange(): void
  onPrimary(primary: Member | null, before: Member | null): void
  /** Several can be written to: if they do not know of each other, data will part. */
  onSeveral(able: readonly Member[]): void
}

/** While there is no primary, looks are as frequent as this. */
const SEARCH_MS = 200

export class PrimaryReplica implements Topology {
  readonly members: readonly Member[]
  readonly #options: PrimaryReplicaOptions
  readonly #calls: PrimaryReplicaCalls
  readonly #clock: Clock
  readonly #monitors: readonly Monitor[]
  readonly #waiting = new Set<() => void>()
  #primary: Member | null = null
  /** Whose place an absent primary keeps until there is another one. */
  #lastPrimary: Member | null = null
  #replicas: readonly Member[] = []
  #able = 0

  constructor(members: readonly Member[], options: PrimaryReplicaOptions, calls: PrimaryReplicaCalls, clock: Clock) {
    this.members = members
    this.#options = options
    this.#calls = calls
    this.#clock = clock
    const monitoring: MonitorCalls = {
      open: calls.open,
      intervalMs: () => (this.#primary ? options.checkIntervalMs : Math.min(SEARCH_MS, options.checkIntervalMs)),
      onSeen: () => this.#elect(),
    }
    this.#monitors = members.map(member => new Monitor(member, monitoring, clock))
  }

  start(): void {
    for (const monitor of this.#monitors) monitor.start()
  }

  get isLost(): boolean {
    return this.#primary === null
  }

  get hasReplica(): boolean {
    return this.#replicas.length > 0
  }

  candidates(purpose: Purpose): readonly Member[] {
    const primary = this.#primary ? [this.#primary] : []
    if (purpose === 'write') return primary
    if (this.#replicas.length === 0) return this.#options.fallBack ? primary : []
    return [...this.#replicas].sort((a, b) => a.endpoint.connections - b.endpoint.connections)
  }

  serves(member: Member, purpose: Purpose): boolean {
    return purpose === 'write' ? member === this.#primary : this.#replicas.includes(member)
  }

  onReadOnly(member: Member): void {
    if (member.seen) member.seen = { ...member.seen, readOnly: true }
    this.#elect()
    this.onTrouble()
  }

  onTrouble(): void {
    for (const monitor of this.#monitors) monitor.hurry()
  }

  change(ms: number): Promise<void> {
    return new Promise(resolve => {
      const wake = () => {
        cancel()
        this.#waiting.delete(wake)
        resolve()
      }
      const cancel = this.#clock.after(ms, wake)
      this.#waiting.add(wake)
    })
  }

  close(): void {
    for (const monitor of this.#monitors) monitor.close()
    for (const wake of [...this.#waiting]) wake()
  }

  #elect(): void {
    const able = this.members.filter(member => member.writable)
    const before = this.#primary
    const primary = able.find(member => member === this.#lastPrimary) ?? able[0] ?? null
    for (const member of this.members) member.role = roleOf(member, primary, able)
    if (able.length > 1 && this.#able <= 1) this.#calls.onSeveral(able)
    this.#able = able.length
    const replicas = this.members.filter(member => member.role === 'replica' && member.isWithin(this.#options.maxLagMs))
    const isSame = replicas.length === this.#replicas.length && replicas.every(each => this.#replicas.includes(each))
    this.#primary = primary
    this.#replicas = replicas
    if (primary === before && isSame) return
    if (primary !== before) this.#calls.onPrimary(primary, this.#lastPrimary)
    if (primary) this.#lastPrimary = primary
    this.#calls.onChange()
    for (const wake of [...this.#waiting]) wake()
  }
}

function roleOf(member: Member, primary: Member | null, able: readonly Member[]): Member['role'] {
  if (member === primary) return 'primary'
  if (member.configured === 'replica') return 'replica'
  if (able.includes(member)) return 'standby'
  // One that cannot be asked is what it was, but for a primary.
  if (member.seen === null) return member.role === 'replica' ? 'replica' : 'unknown'
  return member.seen.readOnly || member.seen.replication ? 'replica' : 'unknown'
}
