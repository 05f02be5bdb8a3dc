/** The registry of component kinds: one line each. */
import type { ComponentKind } from '../component.ts'

export const componentKinds: readonly ComponentKind[] = []
