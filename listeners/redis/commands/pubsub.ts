/**
 * Subscribing, for RESP2 and RESP3: one upstream subscription per channel, acknowledgements and counts per client.
 * PUBLISH and PUBSUB answer with the numbers of all clients, of which the backend sees only the sidecar.
 */
import { decodeReply, encodeInteger, ReplyWriter } from '../../../codecs/redis/index.ts'
import type { SubscriptionKind } from '../../../src/backends/redis/index.ts'
import type { ProxyError } from '../../../src/errors.ts'
import { type Frame, Handled, type Handler, Pin } from '../command-handler.ts'
import { dress, wrongArity } from '../errors.ts'
import { RewritingSink } from '../rewriting-sink.ts'
import type { Session } from '../session.ts'
import { SubscriberState } from '../subscriber-state.ts'
import { answer } from './connection.ts'

const VERBS: Readonly<Record<SubscriptionKind, readonly [subscribe: string, unsubscribe: string]>> = {
  channel: ['subscribe', 'unsubscribe'],
  pattern: ['psubscribe', 'punsubscribe'],
  shard: ['ssubscribe', 'sunsubscribe'],
}

/** Invalidation messages of CLIENT TRACKING ... REDIRECT are for one connection: its client needs one of its own. */
const PRIVATE_CHANNEL = '__redis__:invalidate'

export const subscribe =
  (kind: SubscriptionKind): Handler =>
  (session, frame) => {
    const [verb] = VERBS[kind]
    if (session.seat.inMulti) return frame.argc < 2 ? Handled.FORWARD : session.pin(Pin.STATE)
    if (frame.argc < 2) return answer(session, wrongArity(verb))
    const names = session.args(frame).slice(1)
    const forOneConnection = names.some(name => name.toString('latin1') === PRIVATE_CHANNEL)
    if (forOneConnection || session.seat.subscribes) return subscribePrivately(session, frame)
    if (session.outstanding > 0) return Handled.WAIT
    subscribeAll(
      session,
      kind,
      names.map(name => Buffer.from(name)),
    )
    return Handled.DONE
  }

/** Acknowledges when the backend has, all in one write. */
function subscribeAll(session: Session, kind: SubscriptionKind, names: readonly Buffer[]): void {
  const { subscriptions } = session.host
  const state = (session.subscriptions ??= new SubscriberState(session))
  let pending = names.length
  let refused: ProxyError | null = null
  let later = false
  const settle = () => {
    if (session.phase === 'closed') return
    if (refused) for (const name of names) if (!state.has(kind, name)) subscriptions.unsubscribe(kind, name, state)
    session.push(refused ? dress(refused) : acknowledgement(state, kind, names))
    if (later) session.resumeReading()
  }
  for (const name of names) {
    subscriptions.subscribe(kind, name, state, error => {
      refused ??= error
      if (--pending === 0) settle()
    })
  }
  if (pending === 0) return
  later = true
  session.hold()
}

function acknowledgement(state: SubscriberState, kind: SubscriptionKind, names: readonly Buffer[]): Buffer {
  const [verb] = VERBS[kind]
  const writer = new ReplyWriter(state.protocol)
  for (const name of names) {
    state.add(kind, name)
    writer.push(3).bulk(verb).bulk(name).integer(state.count(kind))
  }
  return writer.toBuffer()
}

function subscribePrivately(session: Session, frame: Frame): Handled {
  const handled = session.pin(Pin.STATE)
  const { seat } = session
  if (handled !== Handled.FORWARD || seat.pipeline === null) return handled
  seat.subscribes = true
  // Acknowledgements are not replies: they come as they come.
  seat.pipeline.sendPiece(session, frame.bytes, frame.start, frame.end)
  return Handled.DONE
}

export const unsubscribe =
  (kind: SubscriptionKind): Handler =>
  (session, frame) => {
    if (session.seat.inMulti) return Handled.FORWARD
    if (session.seat.subscribes) return subscribePrivately(session, frame)
    if (session.outstanding > 0) return Handled.WAIT
    const state = session.subscriptions
    const [, verb] = VERBS[kind]
    const given = session.args(frame).slice(1)
    const names = given.length > 0 ? given : (state?.names(kind) ?? [])
    const writer = new ReplyWriter(session.protocol)
    const count = () => state?.count(kind) ?? 0
    for (const name of names) {
      if (state?.remove(kind, name)) session.host.subscriptions.unsubscribe(kind, Buffer.from(name), state)
      writer.push(3).bulk(verb).bulk(name).integer(count())
    }
    if (names.length === 0) writer.push(3).bulk(verb).null().integer(count())
    session.push(writer.toBuffer())
    return Handled.DONE
  }

export const publish =
  (kind: 'channel' | 'shard'): Handler =>
  (session, frame) => {
    const { subscriptions } = session.host
    if (subscriptions.size === 0 || frame.argc !== 3 || session.seat.inMulti) return Handled.FORWARD
    const channel = Buffer.from(session.args(frame)[1]!)
    return rewrite(session, frame, reply => {
      if (reply[0] !== 58) return reply
      return encodeInteger(
        Number(reply.toString('latin1', 1, reply.length - 2)) + subscriptions.extraReceivers(kind, channel),
      )
    })
  }

/** NUMSUB and SHARDNUMSUB count clients. */
export const pubsub: Handler = (session, frame) => {
  const args = session.args(frame)
  const word = args[1]?.toString('latin1').toLowerCase()
  if ((word !== 'numsub' && word !== 'shardnumsub') || session.seat.inMulti) return Handled.FORWARD
  const { subscriptions } = session.host
  return rewrite(session, frame, reply => {
    const pairs = reply[0] === 42 ? (decodeReply(reply, 'buffers') as (Buffer | number)[]) : []
    if (pairs.length === 0) return reply
    const writer = new ReplyWriter(session.protocol).array(pairs.length)
    for (let i = 0; i < pairs.length; i += 2) {
      const name = pairs[i] as Buffer
      writer
        .bulk(name)
        .integer(
          (pairs[i + 1] as number) + subscriptions.extraSubscribers(word === 'numsub' ? 'channel' : 'shard', name),
        )
    }
    return writer.toBuffer()
  })
}

function rewrite(session: Session, frame: Frame, change: (reply: Buffer) => Buffer): Handled {
  if (session.reply !== 'on') return Handled.FORWARD
  session.sendFor(
    new RewritingSink(session, change),
    Buffer.from(frame.bytes.subarray(frame.start, frame.end)),
    frame.command + 1,
  )
  return Handled.SENT
}

const EMPTY = Buffer.alloc(0)

/** A RESP2 subscriber gets its pong in the form of a message. */
export const ping: Handler = (session, frame) => {
  if (!session.subscribed || session.protocol === 3 || session.seat.inMulti) return Handled.FORWARD
  if (frame.argc > 2) return answer(session, wrongArity('ping'))
  return answer(
    session,
    new ReplyWriter(2)
      .array(2)
      .bulk('pong')
      .bulk(session.args(frame)[1] ?? EMPTY)
      .toBuffer(),
  )
}
