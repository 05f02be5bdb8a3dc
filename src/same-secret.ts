/** Whether somebody knows a secret. */
import { createHash, timingSafeEqual } from 'node:crypto'

/** Compares in constant time, whatever the lengths. */
export function sameSecret(given: string | Buffer, secret: string | Buffer): boolean {
  return timingSafeEqual(digest(given), digest(secret))
}

function digest(value: string | Buffer): Buffer {
  return createHash('sha256').update(value).digest()
}
