/** What of a request names buckets and keys elsewhere than in its path. */
import { encodeCopySource, parseCopySource } from '../../../../codecs/s3/index.ts'
import { type BucketNames, keyAt } from './bucket-names.ts'

/** Parameters whose value is a key, or the beginning of one. */
const KEY_PARAMETERS: ReadonlySet<string> = new Set(['prefix', 'marker', 'start-after', 'key-marker'])

/** Lists ask below the prefix; without a prefix of the application's, for all that is below. */
export function prefixQuery(query: readonly string[], prefix: string, isList: boolean): string[] {
  const translated = [...query]
  let asksPrefix = false
  for (let at = 0; at < translated.length; at += 2) {
    if (!KEY_PARAMETERS.has(translated[at]!)) continue
    if (translated[at] === 'prefix') asksPrefix = true
    // An empty marker is none: it must not become the prefix, which would leave out a key that equals it.
    if (translated[at + 1] !== '' || translated[at] === 'prefix') translated[at + 1] = prefix + translated[at + 1]
  }
  if (isList && !asksPrefix) translated.push('prefix', prefix)
  return translated
}

/** The source of a copy, where the service has it. */
export function translateCopySource(header: string, names: BucketNames): string {
  const { bucket, key, version } = parseCopySource(header)
  const place = names.placeOf(bucket)
  return encodeCopySource({ bucket: place.bucket, key: keyAt(place, key), version })
}
