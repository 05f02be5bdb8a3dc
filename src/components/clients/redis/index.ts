/** What the components on Redis share: commands over Portolan's own backend, with their answers as values. */
export { RedisClient, type RedisReply, repeatable } from './client.ts'
export { Script } from './script.ts'
