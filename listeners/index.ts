/** The registry of protocols: one line each. */
import type { Protocol } from '../src/protocol.ts'

export const protocols: readonly Protocol[] = []
