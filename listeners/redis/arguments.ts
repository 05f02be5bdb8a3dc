/** The arguments of a request, and what Redis takes for an integer or for a name of a client. */
import { argumentSpans } from '../../codecs/redis/index.ts'
import type { Frame } from './command-handler.ts'

/** As far as they are there, as views that live as long as the request's bytes. */
export function argumentsOf({ bytes, start, end }: Frame): Buffer[] {
  const spans = argumentSpans(bytes, start, end)
  const args: Buffer[] = []
  for (let i = 0; i < spans.length; i += 2) args.push(bytes.subarray(spans[i]!, spans[i + 1]!))
  return args
}

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
