/** About idle connections: which of them is lent, and how long they may stay so. */
import type { Want } from './pool.ts'
import type { Upstream } from './upstream.ts'

/** Look at no more idle connections than this for one in the wanted state. */
const MAX_LOOK = 16
/** Idle connections are closed so much before the server would, or a tenth of that time. */
const MARGIN_MS = 1000

/** Which of the idle connections is right for this one, of which there is at least one. */
export function choose(idle: readonly Upstream[], { group, key, preferred, purpose }: Want): number {
  if (preferred?.idle && preferred.group === group) {
    const index = idle.lastIndexOf(preferred)
    if (index >= 0) return index
  }
  const newest = idle.length - 1
  const last = Math.max(0, idle.length - MAX_LOOK)
  if (purpose === 'read') return leastBusy(idle, key, last)
  for (let i = newest; i >= last; i--) if (idle[i]!.state.key === key) return i
  return newest
}

function leastBusy(idle: readonly Upstream[], key: string, last: number): number {
  let best = idle.length - 1
  for (let i = best - 1; i >= last; i--) {
    const { facts, state } = idle[i]!
    const less = idle[best]!.facts.member.busy - facts.member.busy
    if (less > 0 || (less === 0 && state.key === key && idle[best]!.state.key !== key)) best = i
  }
  return best
}

/** How long the server lets it be idle, as the session has it, less a margin. */
export function serverIdleMs({ state, facts }: Upstream): number {
  const seconds = state.get('wait_timeout') ?? facts.baseline.get('wait_timeout')
  if (seconds === undefined) return Number.POSITIVE_INFINITY
  const ms = Number(seconds) * 1000
  return ms - Math.max(MARGIN_MS, ms / 10)
}
