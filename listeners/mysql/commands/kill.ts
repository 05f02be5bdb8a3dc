/** KILL and COM_PROCESS_KILL: clients know numbers of ours, the server those of its own connections. */
import { MAX_PARTS, PACKET_HEADER_BYTES, StatementKind } from '../../../codecs/mysql/index.ts'
import { type CommandHandler, Handled } from '../command-handler.ts'
import { isOurs } from '../connection-id.ts'
import type { Session } from '../session.ts'

const ID_OFFSET = PACKET_HEADER_BYTES + 1

export const PROCESS_KILL: CommandHandler = (session, { packet }) => {
  const known = packet.length >= ID_OFFSET + 4 && kill(session, packet.readUInt32LE(ID_OFFSET), { queryOnly: false })
  return known ? Handled.DONE : Handled.FORWARD
}

const isKill = (kind: number): boolean => kind === StatementKind.KILL || kind === StatementKind.KILL_QUERY

/** Does what the statement at hand says, if it is a KILL with a number of ours. */
export function killAsTold(session: Session): boolean {
  const { kind, killId, statements } = session.host.scanner
  if (!isKill(kind) || killId < 0 || statements !== 1) return false
  return kill(session, killId, { queryOnly: kind === StatementKind.KILL_QUERY })
}

/**
 * Whether one of the several statements at hand is a KILL with a number of ours, which no server knows: what the client
 * names could be on another connection before the server comes to it. Scans again.
 */
export function killsAmongOthers(session: Session, packet: Buffer, start: number): boolean {
  const { host, scanMode } = session
  const { scanner } = host
  const count = Math.min(scanner.statements, MAX_PARTS)
  if (count < 2 || !scanner.kinds.subarray(0, count).some(isKill)) return false
  const ends = [...scanner.ends.subarray(0, count)]
  return ends.some((end, i) => {
    scanner.scan(packet, start + (ends[i - 1] ?? 0), start + end, scanMode)
    return isKill(scanner.kind) && isOurs(scanner.killId)
  })
}

/** Ends a client's query or its connection, and answers. False when no client has that number: the server may know it. */
export function kill(session: Session, id: number, { queryOnly }: { queryOnly: boolean }): boolean {
  const target = session.host.session(id)
  if (!target || target.identity.username !== session.identity.username) return false
  const { upstream } = target
  if (upstream && !upstream.quiet) upstream.home.killQuery(upstream)
  if (!queryOnly) target.killed()
  if (target !== session || queryOnly) session.ok()
  return true
}
