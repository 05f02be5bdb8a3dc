/** The registry of protocols: one line each. */
import type { Protocol } from '../src/protocol.ts'
import { redis } from './redis/index.ts'
import { tcp } from './tcp/index.ts'

export const protocols: readonly Protocol[] = [redis, tcp]
