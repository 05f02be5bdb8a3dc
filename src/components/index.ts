/** The registry of component kinds: one line each. */
import type { ComponentKind } from '../component.ts'
import { embeddedConfiguration } from './configuration/embedded.ts'
import { etcdConfiguration } from './configuration/etcd.ts'
import { fileConfiguration } from './configuration/file.ts'
import { kubernetesConfiguration } from './configuration/kubernetes.ts'
import { memoryConfiguration } from './configuration/memory.ts'
import { mysqlConfiguration } from './configuration/mysql.ts'
import { nacosConfiguration } from './configuration/nacos.ts'
import { natsConfiguration } from './configuration/nats.ts'
import { postgresqlConfiguration } from './configuration/postgresql.ts'
import { redisConfiguration } from './configuration/redis.ts'
import { zookeeperConfiguration } from './configuration/zookeeper.ts'
import { appsInvoke } from './invoke/apps.ts'
import { dubboInvoke } from './invoke/dubbo.ts'
import { embeddedLock } from './lock/embedded.ts'
import { etcdLock } from './lock/etcd.ts'
import { memoryLock } from './lock/memory.ts'
import { mysqlLock } from './lock/mysql.ts'
import { natsLock } from './lock/nats.ts'
import { postgresqlLock } from './lock/postgresql.ts'
import { redisLock } from './lock/redis.ts'
import { zookeeperLock } from './lock/zookeeper.ts'
import { embeddedPubSub } from './pubsub/embedded.ts'
import { kafkaPubSub } from './pubsub/kafka.ts'
import { memoryPubSub } from './pubsub/memory.ts'
import { mqttPubSub } from './pubsub/mqtt.ts'
import { natsPubSub } from './pubsub/nats.ts'
import { rabbitmqPubSub } from './pubsub/rabbitmq.ts'
import { redisPubSub } from './pubsub/redis.ts'
import { awsSecretsManager } from './secrets/aws-secrets-manager.ts'
import { envSecrets } from './secrets/env.ts'
import { fileSecrets } from './secrets/file.ts'
import { kubernetesSecrets } from './secrets/kubernetes.ts'
import { memorySecrets } from './secrets/memory.ts'
import { vaultSecrets } from './secrets/vault.ts'
import { embeddedSequencer } from './sequencer/embedded.ts'
import { etcdSequencer } from './sequencer/etcd.ts'
import { memorySequencer } from './sequencer/memory.ts'
import { mysqlSequencer } from './sequencer/mysql.ts'
import { natsSequencer } from './sequencer/nats.ts'
import { postgresqlSequencer } from './sequencer/postgresql.ts'
import { redisSequencer } from './sequencer/redis.ts'
import { zookeeperSequencer } from './sequencer/zookeeper.ts'

export const componentKinds: readonly ComponentKind[] = [
  embeddedConfiguration,
  etcdConfiguration,
  fileConfiguration,
  kubernetesConfiguration,
  memoryConfiguration,
  mysqlConfiguration,
  nacosConfiguration,
  natsConfiguration,
  postgresqlConfiguration,
  redisConfiguration,
  zookeeperConfiguration,
  appsInvoke,
  dubboInvoke,
  embeddedLock,
  etcdLock,
  memoryLock,
  mysqlLock,
  natsLock,
  postgresqlLock,
  redisLock,
  zookeeperLock,
  embeddedPubSub,
  kafkaPubSub,
  memoryPubSub,
  mqttPubSub,
  natsPubSub,
  rabbitmqPubSub,
  redisPubSub,
  awsSecretsManager,
  envSecrets,
  fileSecrets,
  kubernetesSecrets,
  memorySecrets,
  vaultSecrets,
  embeddedSequencer,
  etcdSequencer,
  memorySequencer,
  mysqlSequencer,
  natsSequencer,
  postgresqlSequencer,
  redisSequencer,
  zookeeperSequencer,
]
