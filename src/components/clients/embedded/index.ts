/** What the embedded components share: a durable file, and memory stores that are kept in it. */
export { Durable, type DurablePlan } from './durable.ts'
export type { Journal } from './journal.ts'
export { dataDirectory } from './options.ts'
