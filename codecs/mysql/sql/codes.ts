/**
 * Numbers of the hot path. They stand alone and in a file of their own because the bundler then writes them into the
 * code that imports them, and the engine turns its switches into jump tables: a quarter of the scan's time
 * (bench/codecs/mysql.ts). Members of objects and constants of the same file stay loads.
 */

// Bytes.

export const LINE_FEED = 10
export const SPACE = 32
export const DOUBLE_QUOTE = 34
export const DOLLAR = 36
export const SINGLE_QUOTE = 39
export const STAR = 42
export const PLUS = 43
export const MINUS = 45
export const POINT = 46
export const SLASH = 47
export const DIGIT_0 = 48
export const DIGIT_9 = 57
export const COLON = 58
export const EQUALS = 61
export const QUESTION_MARK = 63
export const AT_SIGN = 64
export const BACKSLASH = 92
export const UNDERSCORE = 95
export const BACKTICK = 96

// What a byte begins, beside words and numbers.

export const BYTE_OPERATOR = 0
export const BYTE_SPACE = 1
export const BYTE_QUOTE = 2
export const BYTE_BACKTICK = 3
export const BYTE_OPEN = 4
export const BYTE_CLOSE = 5
export const BYTE_COMMA = 6
export const BYTE_SEMICOLON = 7
export const BYTE_DOT = 8
export const BYTE_AT = 9
export const BYTE_MINUS = 10
export const BYTE_SLASH = 11
export const BYTE_HASH = 12
export const BYTE_STAR = 13
export const BYTE_PLACEHOLDER = 14
export const BYTE_PLUS = 15
/** Of a character beyond ASCII. */
export const BYTE_HIGH = 16
/** There is none: the piece is over. */
export const BYTE_NONE = 17

// Which token is open.

export const IN_SPACE = 0
export const IN_WORD = 1
/** A literal in quotes. */
export const IN_STRING = 2
/** A quoted name. */
export const IN_NAME = 3
export const IN_NUMBER = 4
export const IN_POINT = 5
export const IN_MINUS = 6
export const IN_TWO_MINUS = 7
export const IN_LINE_COMMENT = 8
export const IN_SLASH = 9
export const IN_COMMENT = 10
export const IN_STAR = 11
export const IN_AT = 12

// What the lexers of literals and names in quotes are within. _TRAIL: behind the first byte of a character of two;
// _END: behind what may be the closing quote.

export const QUOTED_BODY = 0
export const QUOTED_ESCAPE = 1
export const QUOTED_TRAIL = 2
export const QUOTED_END = 3

// What the lexer of numbers is within: digits, those behind a point, `e` behind either, its sign and digits, a word.

export const NUMBER_INTEGER = 0
export const NUMBER_FRACTION = 1
export const NUMBER_EXPONENT = 2
export const NUMBER_FRACTION_EXPONENT = 3
export const NUMBER_SIGN = 4
export const NUMBER_DIGITS = 5
export const NUMBER_WORD = 6

// What the lexer of comments is within: its first byte, `!` behind an M, a version, and three sorts of bodies.

export const COMMENT_START = 0
export const COMMENT_MARIADB = 1
export const COMMENT_VERSION = 2
export const COMMENT_BODY = 3
export const COMMENT_SKIPPED = 4
export const COMMENT_NESTED = 5

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
