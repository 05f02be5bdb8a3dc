/**
 * Keys are mere names to S3, but some stores and gateways take `.` and `..` in them for steps, as file systems do. Whoever
 * may use a part of a store only must not leave it by such steps, whatever the store makes of them.
 */

/** Whether the steps of the key, which begins with the prefix, lead out of it; without one, out of the bucket. */
export function climbsOut(key: string, prefix = ''): boolean {
  if (!key.includes('..')) return false
  const home = prefix.lastIndexOf('/') + 1
  // Of a prefix that ends within a segment, that segment must not be left either.
  let depth = home === prefix.length ? 0 : -1
  for (const segment of key.slice(home).split('/')) {
    if (segment === '..' && --depth < 0) return true
    if (segment !== '' && segment !== '.' && segment !== '..') depth++
  }
  return false
}
