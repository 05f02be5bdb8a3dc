/** How tests open the store of a component kind: with options as a user writes them, without an app around it. */
import * as z from 'zod/mini'
import type { ApiName, Stores } from '../../src/apis/index.ts'
import type { ComponentKind } from '../../src/component.ts'
import { silentLogger } from '../../src/observability/logger.ts'
import { type Backend, type Clock, systemClock } from '../../src/protocol.ts'

export interface OpenOptions {
  /** The component's name, `test` unless said. */
  readonly name?: string
  readonly clock?: Clock
  readonly backend?: Backend
}

/** Throws when the options are wrong, as the configuration would be. */
export async function openStore<Api extends ApiName>(
  kind: ComponentKind<Api>,
  written: Readonly<Record<string, unknown>> = {},
  { name = 'test', clock = systemClock, backend }: OpenOptions = {},
): Promise<Stores[Api]> {
  const options = z.parse(z.catchall(kind.options(), z.never()), written)
  return kind.open(options, {
    name,
    clock,
    logger: silentLogger,
    backend() {
      if (!backend) throw new Error('this component has no backend')
      return backend
    },
  })
}
