/**
 * Subscribing, for RESP2 and RESP3: one upstream subscription per channel, acknowledgements and counts per client.
 * PUBLISH and PUBSUB answer with the numbers of all clients, of which the backend sees only the sidecar.
 */
import { decodeReply, encodeInteger, ReplyWriter } from '../../../codecs/redis/index.ts'
import type { SubscriptionKind } from '../../../src/backends/redis/index.ts'
import type { ProxyError } from '../../../src/errors.ts'
import { argumentsOf } from '../arguments.ts'
import { type Frame, Handled, type Handler, Pin } from '../command-handler.ts'
import { dress, wrongArity } from '../errors.ts'
import { queue } from '../queued.ts'
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
    const { inMulti, subscribes } = session.seat
    if (frame.argc < 2) return inMulti ? Handled.FORWARD : answer(session, wrongArity(verb))
    const names = argumentsOf(frame).slice(1)
    const privately = subscribes || names.some(name => name.toString('latin1') === PRIVATE_CHANNEL)
    if (inMulti) return queueSubscription(session, frame, kind, names, privately)
    if (privately) return subscribePrivately(session, frame)
    if (session.outstanding > 0) return Handled.WAIT
    let done = false
    let held = false
    subscribeAll(session, kind, names, reply => {
      done = true
      session.push(reply)
      if (held) session.resumeReading()
    })
    held = !done
    if (held) session.hold()
    return Handled.DONE
  }

function queueSubscription(
  session: Session,
  frame: Frame,
  kind: SubscriptionKind,
  names: readonly Buffer[],
  privately: boolean,
): Handled {
  // Which Redis does not allow.
  if (kind === 'shard') return Handled.FORWARD
  if (privately) {
    const follow = (element: Buffer) => {
      session.seat.pin(Pin.STATE)
      session.seat.subscribes = true
      return element
    }
    return queue(session, frame, follow, Buffer.from(frame.bytes.subarray(frame.start, frame.end)))
  }
  const kept = names.map(name => Buffer.from(name))
  return queue(session, frame, (_, later) => {
    let made: Buffer | null = null
    let late = false
    subscribeAll(session, kind, kept, reply => {
      if (late) later(reply)
      else made = reply
    })
    late = true
    return made
  })
}

/** Calls back with the acknowledgements when the backend has given all of its own, unless the client has gone. */
function subscribeAll(
  session: Session,
  kind: SubscriptionKind,
  views: readonly Buffer[],
  done: (reply: Buffer) => void,
): void {
  const { subscriptions } = session.host
  const state = (session.subscriptions ??= new SubscriberState(session))
  const names = views.map(name => Buffer.from(name))
  let pending = names.length
  let refused: ProxyError | null = null
  const settle = (error: ProxyError | null) => {
    refused ??= error
    if (--pending > 0) return
    const gone = session.phase === 'closed'
    if (gone || refused)
      for (const name of names) if (gone || !state.has(kind, name)) subscriptions.unsubscribe(kind, name, state)
    if (!gone) done(refused ? dress(refused) : acknowledgement(state, kind, names))
  }
  for (const name of names) subscriptions.subscribe(kind, name, state, settle)
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
  const handled = session.seat.pin(Pin.STATE)
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
    const { inMulti, subscribes } = session.seat
    if (subscribes) return inMulti ? Handled.FORWARD : subscribePrivately(session, frame)
    if (session.outstanding > 0 && !inMulti) return Handled.WAIT
    const names = argumentsOf(frame).slice(1)
    if (inMulti) {
      const kept = names.map(name => Buffer.from(name))
      return queue(session, frame, () => unsubscribeAll(session, kind, kept))
    }
    session.push(unsubscribeAll(session, kind, names))
    return Handled.DONE
  }

/** Returns the acknowledgements. */
function unsubscribeAll(session: Session, kind: SubscriptionKind, given: readonly Buffer[]): Buffer {
  const state = session.subscriptions
  const [, verb] = VERBS[kind]
  const names = given.length > 0 ? given : (state?.names(kind) ?? [])
  const writer = new ReplyWriter(session.protocol)
  const count = () => state?.count(kind) ?? 0
  for (const name of names) {
    if (state?.remove(kind, name)) session.host.subscriptions.unsubscribe(kind, Buffer.from(name), state)
    writer.push(3).bulk(verb).bulk(name).integer(count())
  }
  if (names.length === 0) writer.push(3).bulk(verb).null().integer(count())
  return writer.toBuffer()
}

export const publish =
  (kind: 'channel' | 'shard'): Handler =>
  (session, frame) => {
    const { subscriptions } = session.host
    if (subscriptions.size === 0 || frame.argc !== 3 || session.seat.inMulti) return Handled.FORWARD
    const channel = Buffer.from(argumentsOf(frame)[1]!)
    return rewrite(session, frame, reply => {
      if (reply[0] !== 58) return reply
      return encodeInteger(
        Number(reply.toString('latin1', 1, reply.length - 2)) + subscriptions.extraReceivers(kind, channel),
      )
    })
  }

/** NUMSUB and SHARDNUMSUB count clients. */
export const pubsub: Handler = (session, frame) => {
  const args = argumentsOf(frame)
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
      .bulk(argumentsOf(frame)[1] ?? EMPTY)
      .toBuffer(),
  )
}
