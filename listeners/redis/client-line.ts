/** One line of CLIENT LIST, in the format of Redis: https://redis.io/docs/latest/commands/client-list/ */
import { Pin } from './command-handler.ts'
import type { Session } from './session.ts'

export function clientLine(session: Session): string {
  const { facts, host } = session
  const now = host.clock.now()
  const seconds = (since: number) => Math.floor((now - since) / 1000)
  const counts = session.subscriptions?.counts ?? { channels: 0, patterns: 0, shards: 0 }
  const queued = facts.requestBytes || session.input.waiting
  const { pins, pipeline } = session.seat
  // Not what was read behind the command that blocks.
  const blocked = pins & Pin.BLOCK && pipeline !== null && pipeline.pending > 0
  const operation = blocked ? pipeline.ring.operationAt(0) : facts.lastOperation
  const fields: readonly (readonly [string, string | number])[] = [
    ['id', session.id],
    ['addr', facts.address],
    ['laddr', facts.localAddress],
    ['fd', fdOf(session)],
    ['name', facts.name],
    ['age', seconds(facts.connectedAt)],
    ['idle', seconds(facts.activeAt)],
    ['flags', flagsOf(session)],
    ['db', session.database],
    ['sub', counts.channels],
    ['psub', counts.patterns],
    ['ssub', counts.shards],
    ['multi', session.seat.queued?.length ?? -1],
    ['qbuf', queued],
    ['qbuf-free', 0],
    ['argv-mem', 0],
    ['multi-mem', 0],
    ['rbs', 0],
    ['rbp', 0],
    ['obl', 0],
    ['oll', session.outlet.waiting > 0 ? 1 : 0],
    ['omem', session.outlet.waiting],
    ['tot-mem', queued + session.outlet.waiting],
    ['events', 'r'],
    ['cmd', operation === 0 ? 'NULL' : host.names[operation - 1]!],
    ['user', facts.user],
    ['redir', facts.redirect],
    ['resp', session.protocol],
    ['lib-name', facts.libraryName],
    ['lib-ver', facts.libraryVersion],
  ]
  return fields.map(([name, value]) => `${name}=${value}`).join(' ')
}

function fdOf({ socket }: Session): number {
  return (socket as unknown as { _handle?: { fd?: number } })._handle?.fd ?? -1
}

function flagsOf(session: Session): string {
  const { pins, inMulti } = session.seat
  let flags = ''
  if (pins & Pin.STREAM) flags += 'O'
  if (session.subscribed) flags += 'P'
  if (inMulti) flags += 'x'
  if (pins & Pin.BLOCK) flags += 'b'
  if (session.phase === 'closing') flags += 'c'
  return flags === '' ? 'N' : flags
}
