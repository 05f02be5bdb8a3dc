/** The registry of component kinds: one line each. */
import type { ComponentKind } from '../component.ts'
import { memoryConfiguration } from './configuration/memory.ts'
import { memoryLock } from './lock/memory.ts'
import { memoryPubSub } from './pubsub/memory.ts'
import { memorySecrets } from './secrets/memory.ts'
import { memorySequencer } from './sequencer/memory.ts'

export const componentKinds: readonly ComponentKind[] = [
  memoryConfiguration,
  memoryLock,
  memoryPubSub,
  memorySecrets,
  memorySequencer,
]
