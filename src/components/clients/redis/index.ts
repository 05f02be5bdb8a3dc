/** What the components on Redis share: commands over Portolan's own backend, with their answers as values. */
export { RedisClient, refusal, repeatable } from './client.ts'
export { ExclusiveConnection } from './exclusive.ts'
export type { RedisReply } from './question.ts'
export { Script } from './script.ts'
