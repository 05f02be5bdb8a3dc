/** What Redis takes for an integer, or for a name of a client. */

/** No plus sign, no leading zero. */
const INTEGER = /^(0|-?[1-9]\d{0,18})$/

/** An integer of 64 bits, exact as far as a number is; undefined for everything else. */
export function readInteger(given: Buffer): number | undefined {
  if (given.length > 20) return undefined
  const text = given.toString('latin1')
  if (!INTEGER.test(text)) return undefined
  const value = BigInt(text)
  return BigInt.asIntN(64, value) === value ? Number(value) : undefined
}

/** Printable ASCII without blanks. */
export function validName(name: Buffer): boolean {
  for (const byte of name) if (byte < 33 || byte > 126) return false
  return true
}
