/** How long a client may be quiet, by what is expected of it. */
import type { RedisListenerOptions } from './options.ts'
import type { Session } from './session.ts'

/** Whether a session has been quiet for longer than it may. */
export function isOverdue(session: Session, options: RedisListenerOptions, now: number): boolean {
  const { facts, input, phase } = session
  const { idleTimeout, requestTimeout, authenticationTimeout } = options
  const quiet = now - facts.activeAt
  if (!facts.authenticated && now - facts.connectedAt > authenticationTimeout) return true
  const halfRequest = input.waiting > 0 && phase === 'reading'
  if ((halfRequest || input.uploading || phase === 'closing') && quiet > requestTimeout) return true
  return idleTimeout > 0 && quiet > idleTimeout && session.idle && !session.subscribed
}
