/** The schema of a reference to a secret. A secret itself is never written into a configuration. */
import * as z from 'zod/mini'
import { described } from './described.ts'
import type { SecretRef } from './types.ts'
import { duration } from './units.ts'

/** What is wrong with anything but a reference; a report that shows this masks the source line. */
export const SECRET_FORMS =
  'must say where the secret is, one of { env: NAME }, { file: PATH } or { command: [PROGRAM, ARGUMENT, ...] }'

const schema = z
  .union(
    [
      z.strictObject({ env: z.string().check(z.minLength(1), z.describe('Name of the environment variable.')) }),
      z.strictObject({
        file: z.string().check(z.minLength(1), z.describe('File that holds nothing else, as Kubernetes mounts it.')),
      }),
      z.pipe(
        z.strictObject({
          command: z
            .array(z.string())
            .check(z.minLength(1), z.describe('Program and arguments that print it; no shell is involved.')),
          refresh: z
            .optional(duration().check(z.refine(ms => ms >= 1000, 'must be at least 1s')))
            .apply(
              described(
                'How long its output is good for, at least 1s; then the command runs again. Without it, for each use.',
              ),
            ),
        }),
        z.transform(
          ({ command, refresh }): SecretRef => (refresh === undefined ? { command } : { command, refreshMs: refresh }),
        ),
      ),
    ],
    { error: issue => (issue.input === undefined ? undefined : SECRET_FORMS) },
  )
  .check(z.meta({ title: 'secret' })) satisfies z.ZodMiniType<SecretRef>

/** Where a secret comes from: an environment variable, a file, or the output of a command. */
export function secretRef() {
  return schema
}
