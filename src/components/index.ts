/** The registry of component kinds: one line each. */
import type { ComponentKind } from '../component.ts'
import { etcdConfiguration } from './configuration/etcd.ts'
import { memoryConfiguration } from './configuration/memory.ts'
import { zookeeperConfiguration } from './configuration/zookeeper.ts'
import { etcdLock } from './lock/etcd.ts'
import { memoryLock } from './lock/memory.ts'
import { zookeeperLock } from './lock/zookeeper.ts'
import { memoryPubSub } from './pubsub/memory.ts'
import { memorySecrets } from './secrets/memory.ts'
import { etcdSequencer } from './sequencer/etcd.ts'
import { memorySequencer } from './sequencer/memory.ts'
import { zookeeperSequencer } from './sequencer/zookeeper.ts'

export const componentKinds: readonly ComponentKind[] = [
  etcdConfiguration,
  memoryConfiguration,
  zookeeperConfiguration,
  etcdLock,
  memoryLock,
  zookeeperLock,
  memoryPubSub,
  memorySecrets,
  etcdSequencer,
  memorySequencer,
  zookeeperSequencer,
]
