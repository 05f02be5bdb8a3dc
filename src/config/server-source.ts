/** Where the servers of a backend come from: they are somewhere, or Portolan starts one of its own. */
import * as z from 'zod/mini'
import { described } from './described.ts'

/** The option `embedded`: a private server, of this program unless another is named. */
export const embeddedServer = (binary: string, dataDirectory: string) =>
  z
    .optional(
      z.union([
        z.boolean(),
        z.strictObject({
          dataDirectory: z
            ._default(z.string(), dataDirectory)
            .apply(described('Where the embedded server keeps its data.')),
          binary: z._default(z.string(), binary).apply(described('The program to run.')),
        }),
      ]),
    )
    .apply(described(`Portolan starts and supervises a private ${binary} of its own; instead of endpoints.`))

/** Checks that a backend has either endpoints or an embedded server, unless something else is wrong with it already. */
export const hasOneSource = z.check<{ readonly endpoints?: unknown; readonly embedded?: unknown }>(
  ({ value, issues }) => {
    if (issues.length > 0 || (value.endpoints !== undefined) !== Boolean(value.embedded)) return
    const message = value.embedded
      ? 'give either endpoints or embedded, not both'
      : 'needs endpoints, or embedded: true'
    issues.push({ code: 'custom', message, input: value, path: ['endpoints'] })
  },
)
