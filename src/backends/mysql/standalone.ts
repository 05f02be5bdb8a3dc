/** Endpoints that are alike: the first one that answers serves, in the order of the configuration. Nobody looks ahead. */
import type { Clock } from '../../protocol.ts'
import type { Member } from './member.ts'
import type { Topology } from './topology.ts'

export class Standalone implements Topology {
  readonly members: readonly Member[]
  readonly hasReplica = false
  readonly isLost = false
  readonly #clock: Clock

  constructor(members: readonly Member[], clock: Clock) {
    this.members = members
    this.#clock = clock
  }

  start(): void {}

  candidates(): readonly Member[] {
    return this.members.filter(({ endpoint }) => endpoint.circuit.allows)
  }

  serves(): boolean {
    return true
  }

  onReadOnly(): void {}

  onTrouble(): void {}

  change(ms: number): Promise<void> {
    return new Promise(resolve => this.#clock.after(ms, resolve))
  }

  close(): void {}
}
