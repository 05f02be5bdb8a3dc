/** The registry of protocols: one line each. */
import type { Protocol } from '../src/protocol.ts'
import { grpc } from './grpc/index.ts'
import { mysql } from './mysql/index.ts'
import { redis } from './redis/index.ts'
import { s3 } from './s3/index.ts'
import { tcp } from './tcp/index.ts'

export const protocols: readonly Protocol[] = [grpc, mysql, redis, s3, tcp]
