/** What a reload came to: for the log, for `POST /reload` and for whoever embeds an App. */
import { isDeepStrictEqual } from 'node:util'
import type { AppConfig } from './config/index.ts'
import type { Logger } from './observability/logger.ts'

export interface Change {
  readonly kind: 'backend' | 'component' | 'listener' | 'admin' | 'settings'
  readonly name: string
  readonly action: 'added' | 'removed' | 'updated' | 'replaced'
}

export interface ReloadReport {
  readonly outcome: 'applied' | 'unchanged' | 'refused'
  readonly changes: readonly Change[]
  /** What does not work yet, but did not stand in the way. */
  readonly warnings: readonly string[]
  /** Why it was refused. */
  readonly errors: readonly string[]
}

/** Which of the settings of the process differ. */
export function settingsChanges(before: AppConfig, after: AppConfig): Change[] {
  return (['log', 'shutdown'] as const)
    .filter(name => !isDeepStrictEqual(before[name], after[name]))
    .map(name => ({ kind: 'settings', name, action: 'updated' }))
}

export function refused(errors: readonly string[]): ReloadReport {
  return { outcome: 'refused', changes: [], warnings: [], errors }
}

export function logReport(logger: Logger, { outcome, changes, warnings, errors }: ReloadReport): void {
  for (const warning of warnings) logger.warn({}, warning)
  for (const error of errors) logger.error({}, error)
  if (outcome === 'refused') logger.error({}, 'reload refused; the configuration in service is unchanged')
  else
    logger.info({ changes: changes.map(({ kind, name, action }) => `${kind} ${name} ${action}`) }, `reload ${outcome}`)
}
