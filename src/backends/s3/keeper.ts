/** How a store is kept running: what differs between files of this machine and a service. */
import type { BackendStatus, ProbeReport } from '../../protocol.ts'
import type { Store } from './store.ts'

export interface Keeper {
  readonly store: Store
  /** Resolves at once, whether what it needs can be had or not. */
  start(): Promise<void>
  /** Never rejects. */
  probe(timeoutMs: number): Promise<ProbeReport>
  status(): BackendStatus
  /** Never rejects. */
  reread(): Promise<void>
  close(graceMs: number): Promise<void>
}
