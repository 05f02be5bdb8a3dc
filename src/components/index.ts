/** The registry of component kinds: one line each. */
import type { ComponentKind } from '../component.ts'
import { etcdConfiguration } from './configuration/etcd.ts'
import { memoryConfiguration } from './configuration/memory.ts'
import { etcdLock } from './lock/etcd.ts'
import { memoryLock } from './lock/memory.ts'
import { memoryPubSub } from './pubsub/memory.ts'
import { memorySecrets } from './secrets/memory.ts'
import { etcdSequencer } from './sequencer/etcd.ts'
import { memorySequencer } from './sequencer/memory.ts'

export const componentKinds: readonly ComponentKind[] = [
  etcdConfiguration,
  memoryConfiguration,
  etcdLock,
  memoryLock,
  memoryPubSub,
  memorySecrets,
  etcdSequencer,
  memorySequencer,
]
