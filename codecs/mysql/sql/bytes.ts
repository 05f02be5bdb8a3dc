/** Classes of bytes as MySQL's lexer sees them, and of the few character sets whose second bytes look like ASCII. */

/** What a byte begins. */
export const ByteClass = {
  OPERATOR: 0,
  SPACE: 1,
  WORD: 2,
  DIGIT: 3,
  QUOTE: 4,
  BACKTICK: 5,
  OPEN: 6,
  CLOSE: 7,
  COMMA: 8,
  SEMICOLON: 9,
  DOT: 10,
  AT: 11,
  MINUS: 12,
  SLASH: 13,
  HASH: 14,
  STAR: 15,
  PLACEHOLDER: 16,
  PLUS: 17,
} as const

const SINGLES: Readonly<Record<string, number>> = {
  "'": ByteClass.QUOTE,
  '"': ByteClass.QUOTE,
  '`': ByteClass.BACKTICK,
  '(': ByteClass.OPEN,
  ')': ByteClass.CLOSE,
  ',': ByteClass.COMMA,
  ';': ByteClass.SEMICOLON,
  '.': ByteClass.DOT,
  '@': ByteClass.AT,
  '-': ByteClass.MINUS,
  '/': ByteClass.SLASH,
  '#': ByteClass.HASH,
  '*': ByteClass.STAR,
  '?': ByteClass.PLACEHOLDER,
  '+': ByteClass.PLUS,
}

/** The class of each byte. */
export const byteClass = Uint8Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte)
  if (byte === 32 || (byte >= 9 && byte <= 13)) return ByteClass.SPACE
  if (byte >= 0x80 || /[A-Za-z_$]/.test(char)) return ByteClass.WORD
  if (/\d/.test(char)) return ByteClass.DIGIT
  return SINGLES[char] ?? ByteClass.OPERATOR
})

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

/** 1 for each byte that begins a character of two bytes. */
export type LeadBytes = Uint8Array

const tables = new Map(
  Object.entries(LEADS).map(([charset, ranges]) => [
    charset,
    Uint8Array.from({ length: 256 }, (_, byte) => Number(ranges.some(([from, to]) => byte >= from && byte <= to))),
  ]),
)

/**
 * For `character_set_client`: the lead bytes, when the byte behind one may be a backslash or a backtick that is none;
 * undefined for all other character sets, UTF-8 among them.
 */
export const leadBytesOf = (charset: string): LeadBytes | undefined => tables.get(charset.toLowerCase())

/** Whether the byte may stand behind a lead byte. */
export const isTrailByte = (byte: number): boolean => byte >= 0x40 && byte !== 0x7f && byte !== 0xff
