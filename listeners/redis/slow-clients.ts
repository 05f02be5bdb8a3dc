/**
 * Clients that do not take their replies: each is held up alone, and closed when it keeps others waiting or does not read
 * at all. Up to the first mark of `outletLimits` replies wait in memory; from there on its requests are not read, from the
 * second on the backend connection that brings its replies.
 */
import type { Pipeline } from '../../src/backends/redis/index.ts'
import type { Session } from './session.ts'
import type { SessionHost } from './session-host.ts'

export class SlowClients {
  readonly #host: SessionHost
  /** How much had been written to a client when it last took something. */
  readonly #marks = new Map<Session, { sent: number; since: number }>()

  constructor(host: SessionHost) {
    this.#host = host
  }

  /** The kernel has not taken all that was written. */
  onWaiting(session: Session): void {
    const { outlet, pipeline, seat, socket } = session
    const { outletLimits, clock, backend } = this.#host
    if (!this.#marks.has(session)) this.#marks.set(session, { sent: socket.bytesWritten, since: clock.now() })
    if (outlet.waiting <= outletLimits.highBytes) return
    session.input.pauseIfCongested()
    if (pipeline === null || outlet.stalled !== null) return
    if (outlet.waiting <= outletLimits.maxBytes && seat.pipeline === null) return
    outlet.stalled = pipeline
    pipeline.pause()
    if (seat.pipeline !== null) return
    // It holds up a shared pipeline: others go on another one, and those behind it are not kept for long.
    backend.replace(pipeline)
    this.#watchGrace(session, pipeline)
  }

  forget(session: Session): void {
    this.#marks.delete(session)
  }

  /** Closes those that have taken nothing for the write timeout. */
  sweep(now: number): void {
    const { writeTimeout } = this.#host.options
    for (const [session, mark] of this.#marks) {
      if (session.outlet.waiting === 0) this.#marks.delete(session)
      else if (session.socket.bytesWritten !== mark.sent) {
        mark.sent = session.socket.bytesWritten
        mark.since = now
      } else if (now - mark.since > writeTimeout) this.#host.dropped(session, 'client does not read')
    }
  }

  /** As long as it reads at all, those behind it wait; they came before it was known to be slow. */
  #watchGrace(session: Session, pipeline: Pipeline): void {
    const before = session.socket.bytesWritten
    this.#host.clock.after(this.#host.options.slowClientGrace, () => {
      if (session.phase === 'closed' || session.pipeline !== pipeline) return
      if (session.socket.bytesWritten !== before) return this.#watchGrace(session, pipeline)
      if (session.outlet.stalled === pipeline && pipeline.pending > session.outstanding)
        this.#host.dropped(session, 'replies to other clients wait behind its own')
    })
  }
}
