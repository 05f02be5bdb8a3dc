/** NATS with JetStream, over the client libraries of its makers. */
export { Bucket, type BucketEntry } from './bucket.ts'
export { NatsClient } from './client.ts'
export { type NatsOptions, natsOptions } from './options.ts'
