/** The registry of backend kinds: one line each. */
import type { BackendKind } from '../protocol.ts'

export const backendKinds: readonly BackendKind[] = []
