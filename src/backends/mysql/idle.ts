/** About idle connections: which of them is lent, and how long they may stay so. */
import { run } from './own-statements.ts'
import type { Want } from './pool.ts'
import { type SessionState, setStatement } from './session-state.ts'
import type { Upstream } from './upstream.ts'

/** Look at no more idle connections than this for one in the wanted state. */
const MAX_LOOK = 16
/** Idle connections are closed so much before the server would, or a tenth of that time. */
const MARGIN_MS = 1000
const WAIT_TIMEOUT = 'wait_timeout'

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
  const seconds = state.get(WAIT_TIMEOUT) ?? facts.baseline.get(WAIT_TIMEOUT)
  if (seconds === undefined) return Number.POSITIVE_INFINITY
  const ms = Number(seconds) * 1000
  return ms - Math.max(MARGIN_MS, ms / 10)
}

/** A client has left it less time than a fresh connection has: it gets that. False where it has as much already. */
export function prolong(upstream: Upstream): boolean {
  const { state, facts } = upstream
  const usual = facts.baseline.get(WAIT_TIMEOUT)
  if (usual === undefined || Number(state.get(WAIT_TIMEOUT) ?? usual) >= Number(usual)) return false
  run(upstream, setStatement(new Map([[WAIT_TIMEOUT, usual]])), error => {
    if (error) upstream.destroy(error)
  })
  state.set(WAIT_TIMEOUT, usual, facts.baseline)
  return true
}

/** How long a client may be idle that has said so itself. */
export function ownIdleMs(state: SessionState): number {
  return Number(state.get(WAIT_TIMEOUT) ?? Number.POSITIVE_INFINITY) * 1000
}
