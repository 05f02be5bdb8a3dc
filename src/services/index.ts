/** What the sidecar adds to the stores of every type, for whoever serves applications: one service for each API. */
import type { Runtime } from '../protocol.ts'
import { ConfigurationService } from './configuration.ts'
import { Directory } from './directory.ts'
import { InvokeService } from './invoke.ts'
import { LockService } from './lock.ts'
import { PubSubService } from './pubsub.ts'
import { SecretsService } from './secrets.ts'
import { SequencerService } from './sequencer.ts'

export { CLOUD_EVENT_TYPE, type Event, unwrap, wrap } from './cloud-events.ts'
export type { ConfigurationAnswer, ConfigurationService } from './configuration.ts'
export type { ConfigurationSubscriber } from './configuration-watch.ts'
export { Directory } from './directory.ts'
export { AppStatus, type InvokeService } from './invoke.ts'
export type { Hold, LockService } from './lock.ts'
export type { DeadLetters, PubSubService, Subscribing } from './pubsub.ts'
export type { SecretsService } from './secrets.ts'
export type { SequencerService } from './sequencer.ts'

export class Services {
  readonly directory: Directory
  readonly configuration: ConfigurationService
  readonly lock: LockService
  readonly sequencer: SequencerService
  readonly secrets: SecretsService
  readonly pubsub: PubSubService
  readonly invoke: InvokeService

  constructor(runtime: Runtime) {
    const { clock } = runtime
    this.directory = new Directory(runtime)
    this.configuration = new ConfigurationService(this.directory, clock)
    this.lock = new LockService(this.directory, clock)
    this.sequencer = new SequencerService(this.directory)
    this.secrets = new SecretsService(this.directory)
    this.pubsub = new PubSubService(this.directory, runtime)
    this.invoke = new InvokeService(this.directory)
  }

  /** The components have changed: what goes on over time moves to the new ones. */
  rebind(): void {
    this.configuration.rebind()
    this.pubsub.rebind()
  }

  close(): void {
    this.configuration.close()
  }
}
