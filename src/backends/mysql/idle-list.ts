/** The idle connections of one group, and which of them is lent. */
import type { Want } from './pool.ts'
import type { Upstream } from './upstream.ts'

/** Look at no more idle connections than this for the right one. */
const MAX_LOOK = 16

/** A list in the order of their last use, linked through the connections themselves: any of them is taken out at once. */
export class IdleList {
  newest: Upstream | null = null

  add(upstream: Upstream): void {
    const { newest } = this
    upstream.idleIn = this
    upstream.olderIdle = newest
    if (newest) newest.newerIdle = upstream
    this.newest = upstream
  }

  remove(upstream: Upstream): void {
    const { newerIdle, olderIdle } = upstream
    if (newerIdle) newerIdle.olderIdle = olderIdle
    else this.newest = olderIdle
    if (olderIdle) olderIdle.newerIdle = newerIdle
    upstream.idleIn = upstream.newerIdle = upstream.olderIdle = null
  }

  *[Symbol.iterator](): Iterator<Upstream> {
    for (let upstream = this.newest; upstream !== null; upstream = upstream.olderIdle) yield upstream
  }

  /** The one that is right for this client; null when there is none at all. */
  choose({ key, preferred, purpose }: Want): Upstream | null {
    if (preferred?.idleIn === this) return preferred
    return purpose === 'read' ? this.#leastBusy(key) : this.#choose(key)
  }

  /**
   * In the wanted state, rather one that no client would look for again: whoever takes another's will have his own taken
   * in turn, and all of them go on moving for ever.
   */
  #choose(key: string): Upstream | null {
    let best: Upstream | null = null
    let looks = MAX_LOOK
    for (let upstream = this.newest; upstream !== null && looks > 0; upstream = upstream.olderIdle, looks--) {
      if (upstream.state.key !== key) continue
      if (upstream.regulars === 0) return upstream
      best ??= upstream
    }
    return best ?? this.newest
  }

  #leastBusy(key: string): Upstream | null {
    let best = this.newest
    let looks = MAX_LOOK
    for (let upstream = best; best !== null && upstream !== null && looks > 0; upstream = upstream.olderIdle, looks--) {
      const less = best.facts.member.busy - upstream.facts.member.busy
      if (less > 0 || (less === 0 && upstream.state.key === key && best.state.key !== key)) best = upstream
    }
    return best
  }
}
