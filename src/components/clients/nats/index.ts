/** NATS with JetStream, over the client libraries of its makers. */
export { Bucket, type BucketEntry } from './bucket.ts'
export { NatsClient, type NatsSession } from './client.ts'
export { type DeliveryInfo, parseDeliveryInfo } from './delivery-info.ts'
export { apiError, isFull, isMissing } from './failure.ts'
export { type FollowedEntry, type Follower, followBucket } from './follow.ts'
export { dottedKeyOf, nameOf, tokenOf } from './keys.ts'
export { type NatsOptions, natsOptions } from './options.ts'
