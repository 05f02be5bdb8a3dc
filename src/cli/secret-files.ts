/** Files of secrets that a configuration names and this machine does not have. */
import { existsSync } from 'node:fs'
import type { AppConfig, Problem } from '../config/index.ts'

/** A warning for each: the check may run elsewhere than what is started. */
export function missingSecretFiles({ listeners, backends, components }: AppConfig, file: string): Problem[] {
  const problems: Problem[] = []
  const look = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return
    const named = secretFile(value)
    if (named !== undefined && !existsSync(named)) {
      const message = `${named} is not there on this machine: write the secret into it, or correct the path`
      problems.push({ file, path: `${path}.file`, message })
    }
    for (const [key, part] of Object.entries(value))
      look(part, Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`)
  }
  for (const { name, options } of listeners) look(options, `listeners.${name}`)
  for (const { name, options } of backends) look(options, `backends.${name}`)
  for (const { name, options } of components) look(options, `components.${name}`)
  return problems
}

/** What `{ file: PATH }` names, the form of a secret that stands in a file. */
function secretFile(value: object): string | undefined {
  const entries = Object.entries(value)
  const [key, path] = entries[0] ?? []
  return entries.length === 1 && key === 'file' && typeof path === 'string' ? path : undefined
}
