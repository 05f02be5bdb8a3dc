/**
 * Schemas of durations and sizes: text with a unit in the file, a plain number of milliseconds or bytes in the code.
 * A bare number is refused (0 excepted), because nobody can tell seconds from milliseconds by looking at it.
 */
import * as z from 'zod/mini'

interface Kind {
  readonly title: string
  readonly pattern: RegExp
  readonly examples: string
  readonly units: Readonly<Record<string, number>>
  readonly maximum: number
}

const DURATION: Kind = {
  title: 'duration',
  pattern: /^\d+(\.\d+)?(ms|s|m|h)$|^0$/,
  examples: '250ms, 30s, 5m or 1h',
  units: { ms: 1, s: 1000, m: 60_000, h: 3_600_000 },
  // The longest delay that a Node timer takes; anything longer would fire at once.
  maximum: 2 ** 31 - 1,
}

const SIZE: Kind = {
  title: 'size',
  pattern: /^\d+(\.\d+)?(B|KiB|MiB|GiB|kB|KB|MB|GB)$|^0$/,
  examples: '512B, 64KiB, 8MiB or 1GB',
  units: { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9 },
  maximum: Number.MAX_SAFE_INTEGER,
}

/** What a user writes for a quantity, and the number that the code gets. */
export type Quantity = z.ZodMiniType<number, string | 0 | undefined>

/** A duration such as `250ms`, `30s`, `5m` or `1h`; in the checked configuration a number of milliseconds. */
export function duration(preset?: string): Quantity {
  return withPreset(durations, preset)
}

/** A size such as `64KiB`, `8MiB` or `1GB`; in the checked configuration a number of bytes. */
export function size(preset?: string): Quantity {
  return withPreset(sizes, preset)
}

function quantity({ title, pattern, examples, units, maximum }: Kind) {
  // Undefined leaves the wording of a missing option to whoever reports all problems.
  const error = (issue: { readonly input?: unknown }) =>
    issue.input === undefined ? undefined : `must be a ${title} with a unit such as ${examples}`
  const text = z.string({ error }).check(z.regex(pattern, { error }))
  const written = z.union([text, z.literal(0)], { error }).check(z.meta({ title }))
  return z.pipe(
    written,
    z.transform((value, context) => {
      const amount = Number.parseFloat(String(value))
      const unit = String(value).replace(/^[\d.]+/, '')
      const result = Math.round(amount * (units[unit] ?? 1))
      if (result <= maximum) return result
      context.issues.push({ code: 'custom', message: 'is larger than anything that makes sense here', input: value })
      return z.NEVER
    }),
  )
}

// One for all options: a schema is a dozen objects, and each costs the start some 10 us.
const durations = quantity(DURATION)
const sizes = quantity(SIZE)

function withPreset(schema: typeof durations, preset: string | undefined): Quantity {
  // prefault, not default: the preset is written as in a file, is parsed as such and appears so in the JSON Schema.
  return preset === undefined ? schema : z.prefault(schema, preset)
}
