/**
 * Schemas of durations and sizes: text with a unit in the file, a plain number of milliseconds or bytes in the code.
 * A bare number is refused (0 excepted), because nobody can tell seconds from milliseconds by looking at it.
 */
import { z } from 'zod'

const DURATION = /^\d+(\.\d+)?(ms|s|m|h)$|^0$/
const SIZE = /^\d+(\.\d+)?(B|KiB|MiB|GiB|kB|KB|MB|GB)$|^0$/

const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  kB: 1000,
  KB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
}

/** The longest delay that a Node timer takes; anything longer would fire at once. */
const MAX_MS = 2 ** 31 - 1

/** What a user writes for a quantity, and the number that the code gets. */
export type Quantity = z.ZodType<number, string | 0 | undefined>

/** A duration such as `250ms`, `30s`, `5m` or `1h`; in the checked configuration a number of milliseconds. */
export function duration(preset?: string): Quantity {
  return quantity(DURATION, MILLISECONDS, MAX_MS, 'a duration with a unit such as 250ms, 30s, 5m or 1h', preset)
}

/** A size such as `64KiB`, `8MiB` or `1GB`; in the checked configuration a number of bytes. */
export function size(preset?: string): Quantity {
  return quantity(SIZE, BYTES, Number.MAX_SAFE_INTEGER, 'a size with a unit such as 512B, 64KiB, 8MiB or 1GB', preset)
}

function quantity(
  pattern: RegExp,
  units: Readonly<Record<string, number>>,
  maximum: number,
  expected: string,
  preset: string | undefined,
): Quantity {
  // Undefined leaves the wording of a missing option to whoever reports all problems.
  const error = (issue: { readonly input?: unknown }) => (issue.input === undefined ? undefined : `must be ${expected}`)
  const text = z.string({ error }).regex(pattern, { error })
  const schema = z.union([text, z.literal(0)], { error }).transform((value, context) => {
    const amount = Number.parseFloat(String(value))
    const unit = String(value).replace(/^[\d.]+/, '')
    const result = Math.round(amount * (units[unit] ?? 1))
    if (result <= maximum) return result
    context.addIssue({ code: 'custom', message: 'is larger than anything that makes sense here', input: value })
    return z.NEVER
  })
  // prefault, not default: the preset is written as in a file, is parsed as such and appears so in the JSON Schema.
  return preset === undefined ? schema : schema.prefault(preset)
}
