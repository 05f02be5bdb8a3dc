/** Metadata of requests is no back door to what a store understands. */
import { ApiError } from '../../src/apis/index.ts'

/** Throws for a key that is not known; a known one that ends in a dot stands for all that begin so. */
export function allowMetadata(metadata: Readonly<Record<string, string>> | null, known: readonly string[] = []): void {
  for (const key of Object.keys(metadata ?? {})) {
    if (known.some(name => (name.endsWith('.') ? key.startsWith(name) : key.toLowerCase() === name.toLowerCase())))
      continue
    const allowed = known.length > 0 ? `known here: ${known.join(', ')}` : 'none is known here'
    throw new ApiError(
      'invalid-argument',
      `the metadata key ${JSON.stringify(key)} means nothing to every store; ${allowed}`,
    )
  }
}
