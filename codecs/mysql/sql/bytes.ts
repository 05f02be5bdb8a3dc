/** Classes of bytes as MySQL's lexer sees them, and of the few character sets whose second bytes look like ASCII. */
import {
  BYTE_AT,
  BYTE_BACKTICK,
  BYTE_CLOSE,
  BYTE_COMMA,
  BYTE_DOT,
  BYTE_HASH,
  BYTE_HIGH,
  BYTE_MINUS,
  BYTE_OPEN,
  BYTE_OPERATOR,
  BYTE_PLACEHOLDER,
  BYTE_PLUS,
  BYTE_QUOTE,
  BYTE_SEMICOLON,
  BYTE_SLASH,
  BYTE_SPACE,
  BYTE_STAR,
} from './codes.ts'

const SINGLES: Readonly<Record<string, number>> = {
  "'": BYTE_QUOTE,
  '"': BYTE_QUOTE,
  '`': BYTE_BACKTICK,
  '(': BYTE_OPEN,
  ')': BYTE_CLOSE,
  ',': BYTE_COMMA,
  ';': BYTE_SEMICOLON,
  '.': BYTE_DOT,
  '@': BYTE_AT,
  '-': BYTE_MINUS,
  '/': BYTE_SLASH,
  '#': BYTE_HASH,
  '*': BYTE_STAR,
  '?': BYTE_PLACEHOLDER,
  '+': BYTE_PLUS,
}

/** What a token begins with: a byte of a word in lower case, digits among them; or, below `$`, one of BYTE_. */
export const sortOf = lookUp(byte => {
  const char = String.fromCharCode(byte)
  if (byte === 32 || (byte >= 9 && byte <= 13)) return BYTE_SPACE
  if (byte >= 0x80) return BYTE_HIGH
  if (/[\w$]/.test(char)) return char.toLowerCase().charCodeAt(0)
  return SINGLES[char] ?? BYTE_OPERATOR
})

/**
 * A table for all bytes within a function, for a bundler makes variables of a module's constants, which the engine loads
 * and checks at each use; those of a function that is called once it takes for constants (bench/codecs/mysql.ts).
 */
function lookUp(of: (byte: number) => number): (byte: number) => number {
  const table = Uint8Array.from({ length: 256 }, (_, byte) => of(byte))
  return byte => table[byte]!
}

/** Bytes of words to lower case, all others to 0. */
export const wordByte = Uint8Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte)
  return byte >= 0x80 ? byte : /[\w$]/.test(char) ? char.toLowerCase().charCodeAt(0) : 0
})

/** Bytes of quoted names to lower case; control characters, which no log should see, to `?`. */
export const nameByte = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte < 32 || byte === 127) return 63
  return byte >= 65 && byte <= 90 ? byte + 32 : byte
})

/** Which bytes begin a character of two in a character set, from first to last; ends are included. */
const LEADS: Readonly<Record<string, readonly (readonly [number, number])[]>> = {
  big5: [[0xa1, 0xf9]],
  gbk: [[0x81, 0xfe]],
  gb18030: [[0x81, 0xfe]],
  sjis: [
    [0x81, 0x9f],
    [0xe0, 0xfc],
  ],
  cp932: [
    [0x81, 0x9f],
    [0xe0, 0xfc],
  ],
}

/** The tables for a character set: as for all others, but that lead bytes end words. */
export interface LeadBytes {
  /** 1 for each byte that begins a character of two bytes. */
  readonly isLead: Uint8Array
  readonly wordByte: Uint8Array
}

const charsets = new Map(
  Object.entries(LEADS).map(([charset, ranges]): [string, LeadBytes] => {
    const isLead = wordByte.map((_, byte) => Number(ranges.some(([from, to]) => byte >= from && byte <= to)))
    const without = wordByte.map((folded, byte) => (isLead[byte] === 1 ? 0 : folded))
    return [charset, { isLead, wordByte: without }]
  }),
)

/**
 * For `character_set_client`: what must be known of it when the byte behind a lead byte may be a backslash or a backtick
 * that is none; undefined for all other character sets, UTF-8 among them.
 */
export const leadBytesOf = (charset: string): LeadBytes | undefined => charsets.get(charset.toLowerCase())

/** Whether the byte may stand behind a lead byte. */
export const isTrailByte = (byte: number): boolean => byte >= 0x40 && byte !== 0x7f && byte !== 0xff
