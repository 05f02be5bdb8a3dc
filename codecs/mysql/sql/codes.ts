/**
 * Numbers of the hot path. They stand alone and in a file of their own because the bundler then writes them into the
 * code that imports them, and the engine turns its switches into jump tables: a quarter of the scan's time
 * (bench/codecs/mysql.ts). Members of objects and constants of the same file stay loads.
 */

// Bytes.

export const LINE_FEED = 10
export const SPACE = 32
export const DOUBLE_QUOTE = 34
export const SINGLE_QUOTE = 39
export const STAR = 42
export const PLUS = 43
export const MINUS = 45
export const POINT = 46
export const SLASH = 47
export const COLON = 58
export const EQUALS = 61
export const QUESTION_MARK = 63
export const AT_SIGN = 64
export const BACKSLASH = 92
export const UNDERSCORE = 95
export const BACKTICK = 96

// What a byte begins.

export const BYTE_OPERATOR = 0
export const BYTE_SPACE = 1
export const BYTE_WORD = 2
export const BYTE_DIGIT = 3
export const BYTE_QUOTE = 4
export const BYTE_BACKTICK = 5
export const BYTE_OPEN = 6
export const BYTE_CLOSE = 7
export const BYTE_COMMA = 8
export const BYTE_SEMICOLON = 9
export const BYTE_DOT = 10
export const BYTE_AT = 11
export const BYTE_MINUS = 12
export const BYTE_SLASH = 13
export const BYTE_HASH = 14
export const BYTE_STAR = 15
export const BYTE_PLACEHOLDER = 16
export const BYTE_PLUS = 17

// What the lexer is within.

export const IN_SPACE = 0
export const IN_WORD = 1
/** A literal in quotes; behind a backslash in it; behind what may be its end. */
export const IN_STRING = 2
export const IN_ESCAPE = 3
export const IN_STRING_END = 4
/** A quoted name, and behind what may be its end. */
export const IN_NAME = 5
export const IN_NAME_END = 6
export const IN_INTEGER = 7
/** Digits and `e`; a sign behind it; the exponent's digits; digits behind a point, and `e` behind those. */
export const IN_EXPONENT = 8
export const IN_EXPONENT_SIGN = 9
export const IN_EXPONENT_DIGITS = 10
export const IN_FRACTION = 11
export const IN_FRACTION_EXPONENT = 12
/** The rest of a hexadecimal number or of a name that begins with a digit. */
export const IN_NUMBER_WORD = 13
export const IN_POINT = 14
export const IN_MINUS = 15
export const IN_TWO_MINUS = 16
export const IN_LINE_COMMENT = 17
export const IN_SLASH = 18
export const IN_COMMENT_START = 19
export const IN_COMMENT_M = 20
export const IN_COMMENT = 21
export const IN_COMMENT_END = 22
export const IN_VERSION = 23
export const IN_STAR = 24
export const IN_AT = 25
/** Behind the lead byte of a character of two bytes: in a literal, a name, a word. */
export const IN_STRING_TRAIL = 26
export const IN_NAME_TRAIL = 27
export const IN_WORD_TRAIL = 28

// What was written last to the normal form. Up to SIGN nothing comes between it and a word.

export const LAST_NOTHING = 0
export const LAST_OPEN = 1
export const LAST_DOT = 2
export const LAST_AT = 3
export const LAST_SIGN = 4
export const LAST_CLAUSE = 5
export const LAST_WORD = 6
export const LAST_LITERAL = 7
export const LAST_CLOSE = 8
export const LAST_COMMA = 9
export const LAST_OPERATOR = 10
export const LAST_SEMICOLON = 11

// Traits of words: may stand before a sign without being an operand; `f(` is a call; NULL, TRUE, FALSE; in the grammar.

export const TRAIT_CLAUSE = 1
export const TRAIT_FUNCTION = 2
export const TRAIT_LITERAL = 4
export const TRAIT_GRAMMAR = 8

// Where the two hashes of a word begin and what each byte is multiplied with: FNV-1a's numbers, and others.

export const HASH_FIRST = -0x7ee3623b
export const HASH_SECOND = 0x27d4eb2f
export const HASH_FIRST_PRIME = 0x01000193
export const HASH_SECOND_PRIME = 0x5bd1e995

// The first states of the grammar.

export const BODY = 0
export const START = 1
