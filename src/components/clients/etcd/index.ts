/** A thin client of etcd v3. */
export { EtcdClient } from './client.ts'
export { isCompacted } from './failure.ts'
export { prefixRange, readKeys, readRange } from './keys.ts'
export {
  COMPARE,
  type Compare,
  EVENT_DELETE,
  type KeyValue,
  LEASE_GRANT,
  LEASE_REVOKE,
  LEASE_TIME_TO_LIVE,
  RANGE,
  type RequestOp,
  TXN,
  WATCH,
} from './messages.ts'
export { type EtcdOptions, etcdOptions } from './options.ts'
export { type EtcdObserver, EtcdWatch } from './watch.ts'
