/** The registry of backend kinds: one line each. */
import type { BackendKind } from '../protocol.ts'
import { mysqlBackendKind } from './mysql/index.ts'
import { redisBackendKind } from './redis/index.ts'
import { s3BackendKind } from './s3/index.ts'
import { tcpBackendKind } from './tcp/index.ts'

export const backendKinds: readonly BackendKind[] = [mysqlBackendKind, redisBackendKind, s3BackendKind, tcpBackendKind]
