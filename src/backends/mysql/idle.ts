/** How long connections, and clients, may be idle. */
import { run } from './own-statements.ts'
import { type SessionState, setStatement } from './session-state.ts'
import type { Upstream } from './upstream.ts'

/** Idle connections are closed so much before the server would, or a tenth of that time. */
const MARGIN_MS = 1000
const WAIT_TIMEOUT = 'wait_timeout'

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
