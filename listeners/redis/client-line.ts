/** One line of CLIENT LIST, in the format of Redis: https://redis.io/docs/latest/commands/client-list/ */
import type { Session } from './session.ts'

export function clientLine(session: Session): string {
  const { facts, host } = session
  const now = host.clock.now()
  const seconds = (since: number) => Math.floor((now - since) / 1000)
  const counts = session.subscriptions?.counts ?? { channels: 0, patterns: 0, shards: 0 }
  const queued = session.inboxBytes
  const fields: readonly (readonly [string, string | number])[] = [
    ['id', session.id],
    ['addr', facts.address],
    ['laddr', facts.localAddress],
    ['fd', session.fd],
    ['name', facts.name],
    ['age', seconds(facts.connectedAt)],
    ['idle', seconds(facts.activeAt)],
    ['flags', session.flags],
    ['db', session.database],
    ['sub', counts.channels],
    ['psub', counts.patterns],
    ['ssub', counts.shards],
    ['multi', session.inMulti ? facts.queuedInMulti : -1],
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
    ['cmd', facts.lastCommand],
    ['user', facts.user],
    ['redir', -1],
    ['resp', session.protocol],
    ['lib-name', facts.libraryName],
    ['lib-ver', facts.libraryVersion],
  ]
  return fields.map(([name, value]) => `${name}=${value}`).join(' ')
}
