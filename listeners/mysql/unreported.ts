/**
 * `SET @@x = ...`, without a scope: MariaDB changes the session and reports nothing. Where the variables that it names are
 * among those that are followed, the server is asked for their values; else the client keeps its connection.
 */
import { COM_QUERY, type ResponseTracker, SetForm, textStart } from '../../codecs/mysql/index.ts'
import { readVariables, type Upstream } from '../../src/backends/mysql/index.ts'
import { Pin } from './pin.ts'
import type { Session } from './session.ts'

/** True when the server is asked first; then `session.answered()` follows. */
export function asksForVariables(session: Session, upstream: Upstream, tracker: ResponseTracker): boolean {
  if ((session.facts.sets & SetForm.UNSCOPED) === 0) return false
  // To ask would clear the warnings; an error tells nothing of what was set before it.
  const hasDiagnostics = tracker.error !== null || tracker.warnings > 0
  if (hasDiagnostics || !areFollowed(session, upstream)) {
    session.pins |= Pin.UNEXPLAINED
    // Of statements prepared before, under the same state as far as is known, the server would tell what was true then.
    session.backend.epoch++
    return false
  }
  session.phase = 'waiting'
  readVariables(upstream, isComplete => {
    if (session.phase !== 'waiting') return
    if (upstream.closed) {
      session.lease.upstream = null
      return session.close()
    }
    session.state.copy(upstream.state)
    if (!isComplete) session.pins |= Pin.UNEXPLAINED
    session.answered()
  })
  return true
}

function areFollowed({ request, identity }: Session, { facts }: Upstream): boolean {
  const { command, packet, partial } = request
  if (command !== COM_QUERY || partial) return false
  const text = packet.toString('latin1', textStart(packet, identity.capabilities.low))
  return [...text.matchAll(/@@\s*`?(\w*)/g)].every(
    ([, name = '']) => ELSEWHERE.test(name) || facts.baseline.has(name.toLowerCase()),
  )
}

/** Scopes, and what is carried with the client anyhow. */
const ELSEWHERE = /^(session|local|global|last_insert_id|identity)$/i
