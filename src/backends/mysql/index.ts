/** The upstream side of MySQL. */
import type { BackendKind } from '../../protocol.ts'
import { MysqlBackend } from './backend.ts'
import { mysqlFeatures } from './features.ts'
import { mysqlBackendOptions } from './options.ts'

export { type Client, MysqlBackend } from './backend.ts'
export type { Call } from './call.ts'
export type { Identity } from './dialer.ts'
export { ownIdleMs } from './idle.ts'
export { LastWrite } from './last-write.ts'
export { OwnLease } from './own-lease.ts'
export {
  type Answer,
  closeAt,
  learnCollation,
  query,
  queryPacket,
  readVariables,
  run,
  saveInsertId,
  setMultiStatements,
} from './own-statements.ts'
export { PacketWire, type Released } from './packet-wire.ts'
export type { Waiter } from './pool.ts'
export { isReadOnlyRefusal, ServerRefusal } from './server-refusal.ts'
export type { ServerStatement } from './server-statements.ts'
export { SessionState } from './session-state.ts'
export type { Purpose } from './topology.ts'
export type { Upstream } from './upstream.ts'
export type { Holder, InsertUser, Recipient } from './upstream-parties.ts'

export const mysqlBackendKind: BackendKind = {
  protocol: 'mysql',
  options: mysqlBackendOptions,
  features: mysqlFeatures,
  build: (config, runtime) => new MysqlBackend(config, runtime),
}
