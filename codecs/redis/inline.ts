/**
 * Splits an inline command (`SET k "two words"`) into arguments, as Redis does: double quotes with escapes, single
 * quotes with `\'` only, a quote ends before a blank, and a zero byte ends the line.
 */

const QUOTE = 34
const APOSTROPHE = 39
const BACKSLASH = 92
const SMALL_X = 120

const ESCAPES = new Map([
  [0x6e, 10], // n
  [0x72, 13], // r
  [0x74, 9], // t
  [0x62, 8], // b
  [0x61, 7], // a
])

/** The arguments of a line, with or without its line break; null when quotes are not balanced. Never throws. */
export function splitInline(line: Uint8Array): Buffer[] | null {
  const zero = line.indexOf(0)
  const end = zero < 0 ? line.length : zero
  const args: Buffer[] = []
  // No argument is longer than what it is written with.
  const token = Buffer.allocUnsafe(end)
  let i = 0
  for (;;) {
    while (i < end && isBlank(line[i]!)) i++
    if (i === end) return args
    let length = 0
    while (i < end && !endsWord(line[i]!)) {
      const byte = line[i++]!
      if (byte !== QUOTE && byte !== APOSTROPHE) {
        token[length++] = byte
        continue
      }
      while (i < end && line[i] !== byte) {
        let value = line[i++]!
        if (value === BACKSLASH && i < end) {
          if (byte === QUOTE) {
            const high = line[i] === SMALL_X ? hexDigit(line[i + 1], i + 1 < end) : -1
            const low = high < 0 ? -1 : hexDigit(line[i + 2], i + 2 < end)
            value = low < 0 ? (ESCAPES.get(line[i]!) ?? line[i]!) : high * 16 + low
            i += low < 0 ? 1 : 3
          } else if (line[i] === APOSTROPHE) {
            value = line[i++]!
          }
        }
        token[length++] = value
      }
      if (i === end || (i + 1 < end && !isBlank(line[i + 1]!))) return null
      i++
      break
    }
    args.push(Buffer.from(token.subarray(0, length)))
  }
}

/** What C's isspace knows: blank, tab, line feed, vertical tab, form feed, carriage return. */
const isBlank = (byte: number): boolean => byte === 32 || (byte >= 9 && byte <= 13)

/** Vertical tab and form feed do not end a word. */
const endsWord = (byte: number): boolean => byte === 32 || byte === 9 || byte === 10 || byte === 13

function hexDigit(byte: number | undefined, there: boolean): number {
  if (!there || byte === undefined) return -1
  if (byte >= 48 && byte <= 57) return byte - 48
  const lower = byte | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}
