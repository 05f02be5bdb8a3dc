/** What an option is for, in the words of the JSON Schema and of the README. */
import * as z from 'zod/mini'

/**
 * To be applied to a schema, `z.string().apply(described('What it is.'))`. `check(z.describe(...))` would do the same to a
 * copy, which costs the start some 10 us per option; it is what a schema takes that stands in several places.
 */
export function described(description: string) {
  return <Schema extends z.core.$ZodType>(schema: Schema): Schema => {
    if (z.globalRegistry.has(schema))
      throw new Error(`is described already, so it stands elsewhere too: ${description}`)
    z.globalRegistry.add(schema, { description })
    return schema
  }
}
