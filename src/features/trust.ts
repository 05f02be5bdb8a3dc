/**
 * Which protocols are trusted: those that many clouds offer as a managed service. Each entry names the service by its
 * resource in the cloud's Terraform provider, so that anybody can look it up again.
 */

/** The clouds that are counted. */
export const CLOUDS = [
  'AWS',
  'Azure',
  'Google',
  'Alibaba',
  'Tencent',
  'Huawei',
  'Oracle',
  'IBM',
  'DigitalOcean',
] as const

export type Cloud = (typeof CLOUDS)[number]

/** Clouds that must offer a protocol for it to be trusted. */
export const TRUSTED_FROM = 3

export interface TrustEntry {
  readonly protocol: string
  /** By cloud: the resource that shows it. */
  readonly services: Readonly<Partial<Record<Cloud, string>>>
  /** How Portolan serves it: by a listener, by an API, or not yet. */
  readonly served: string
}

/** When the resources were looked up, as `YYYY-MM`. */
export const TRUST_AS_OF = '2026-08'
export const TRUST_SOURCE = 'documentation of the Terraform providers of each cloud'

const API_INSTEAD = (api: string) => `API \`${api}\``

export const TRUST: readonly TrustEntry[] = [
  {
    protocol: 'Redis (RESP)',
    served: 'listener `redis`',
    services: {
      AWS: 'elasticache_cluster',
      Azure: 'redis_cache, managed_redis',
      Google: 'redis_instance, memorystore_instance',
      Alibaba: 'kvstore_instance, redis_tair_instance',
      Tencent: 'redis_instance',
      Huawei: 'dcs_instance',
      Oracle: 'redis_redis_cluster',
      IBM: 'databases-for-redis',
      DigitalOcean: 'valkey',
    },
  },
  {
    protocol: 'MySQL',
    served: 'listener `mysql`',
    services: {
      AWS: 'rds',
      Azure: 'mysql_flexible_server',
      Google: 'sql_database_instance',
      Alibaba: 'db_instance, polardb',
      Tencent: 'mysql_instance',
      Huawei: 'rds_instance, taurusdb',
      Oracle: 'mysql_mysql_db_system',
      IBM: 'databases-for-mysql',
      DigitalOcean: 'mysql',
    },
  },
  {
    protocol: 'S3',
    served: 'listener `s3`',
    services: {
      AWS: 's3_bucket',
      Google: 'storage_hmac_key',
      Alibaba: 'oss_bucket',
      Tencent: 'cos_bucket',
      Huawei: 'obs_bucket',
      Oracle: 'identity_customer_secret_key',
      IBM: 'cos_bucket',
      DigitalOcean: 'spaces_bucket',
    },
  },
  {
    protocol: 'PostgreSQL',
    served: 'listener `tcp`, API `configuration, lock, sequencer`',
    services: {
      AWS: 'rds',
      Azure: 'postgresql_flexible_server',
      Google: 'sql_database_instance, alloydb',
      Alibaba: 'db_instance',
      Tencent: 'postgresql_instance',
      Huawei: 'rds_instance',
      Oracle: 'psql_db_system',
      IBM: 'databases-for-postgresql',
      DigitalOcean: 'pg',
    },
  },
  {
    protocol: 'Kafka',
    served: 'listener `tcp`, API `pubsub`',
    services: {
      AWS: 'msk_cluster',
      Azure: 'eventhub (Kafka endpoint)',
      Google: 'managed_kafka_cluster',
      Alibaba: 'alikafka_instance',
      Tencent: 'ckafka_instance',
      Huawei: 'dms_kafka_instance',
      Oracle: 'managed_kafka_kafka_cluster',
      IBM: 'event_streams',
      DigitalOcean: 'kafka',
    },
  },
  {
    protocol: 'MongoDB',
    served: 'listener `tcp`',
    services: {
      AWS: 'docdb_cluster',
      Azure: 'cosmosdb_mongo',
      Google: 'firestore (MongoDB API)',
      Alibaba: 'mongodb_instance',
      Tencent: 'mongodb_instance',
      Huawei: 'dds_instance',
      IBM: 'databases-for-mongodb',
      DigitalOcean: 'mongodb',
    },
  },
  {
    protocol: 'AMQP 0-9-1 (RabbitMQ)',
    served: `listener \`tcp\`, ${API_INSTEAD('pubsub')}`,
    services: {
      AWS: 'mq_broker',
      Alibaba: 'amqp_instance',
      Tencent: 'tdmq_rabbitmq_vip_instance',
      Huawei: 'dms_rabbitmq_instance',
      IBM: 'messages-for-rabbitmq',
    },
  },
  {
    protocol: 'MQTT',
    served: `listener \`tcp\`, ${API_INSTEAD('pubsub')}`,
    services: {
      AWS: 'IoT Core',
      Azure: 'eventgrid_namespace',
      Alibaba: 'MQ for MQTT',
      Tencent: 'mqtt_instance',
    },
  },
  {
    protocol: 'Nacos',
    served: API_INSTEAD('configuration'),
    services: { Alibaba: 'mse_cluster', Tencent: 'tse_instance', Huawei: 'cse_nacos_namespace' },
  },
  {
    protocol: 'RocketMQ',
    served: API_INSTEAD('pubsub'),
    services: { Alibaba: 'rocketmq_instance', Tencent: 'trocket_rocketmq_instance', Huawei: 'dms_rocketmq_instance' },
  },
  {
    protocol: 'ZooKeeper',
    served: API_INSTEAD('configuration, lock, sequencer'),
    services: { Alibaba: 'mse_cluster', Tencent: 'tse_instance' },
  },
  { protocol: 'etcd', served: API_INSTEAD('configuration, lock, sequencer'), services: { IBM: 'databases-for-etcd' } },
  { protocol: 'Pulsar', served: 'listener `tcp`', services: { Tencent: 'tdmq_instance' } },
  { protocol: 'NATS', served: API_INSTEAD('configuration, lock, sequencer, pubsub'), services: {} },
  { protocol: 'configuration as a service', served: API_INSTEAD('configuration'), services: {} },
  { protocol: 'secrets as a service', served: API_INSTEAD('secrets'), services: {} },
  { protocol: 'locks and sequences', served: API_INSTEAD('lock, sequencer'), services: {} },
  { protocol: 'a queue of one cloud (SNS/SQS, Pub/Sub, Service Bus ...)', served: API_INSTEAD('pubsub'), services: {} },
]

/** How many clouds offer it. */
export function trustOf({ services }: TrustEntry): number {
  return Object.keys(services).length
}
