/**
 * Percent-encoding as signature version 4 of S3 wants it: once, everything but `A-Za-z0-9-._~` (and `/` in a path), and
 * nothing is normalised: `//`, `.` and `..` are parts of a key like any other.
 * Raw texts are those of the request line, one character for each byte.
 */
import { S3Error } from './errors.ts'

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const NOT_PLAIN = /[^A-Za-z0-9\-._~]/
const NOT_PLAIN_PATH = /[^A-Za-z0-9\-._~/]/
/** What encodeURIComponent leaves, and S3 does not. */
const LEFT = /[!'()*]/g

/** The text that a raw path or a part of it stands for. Throws InvalidURI unless it is UTF-8 without NUL. */
export function decodePath(raw: string): string {
  return NOT_PLAIN_PATH.test(raw) ? decode(raw) : raw
}

/** The text that a name or value of a raw query stands for, where `+` is a space. Throws as decodePath. */
export function decodeQueryText(raw: string): string {
  if (!NOT_PLAIN.test(raw)) return raw
  return decode(raw.includes('+') ? raw.replaceAll('+', ' ') : raw)
}

/** Slashes stay. */
export function encodePath(path: string): string {
  return NOT_PLAIN_PATH.test(path) ? encode(path).replaceAll('%2F', '/') : path
}

/** Slashes are encoded. */
export function encodeQueryText(text: string): string {
  return NOT_PLAIN.test(text) ? encode(text) : text
}

/** The form of a raw path that is signed, however its sender wrote it. */
export function canonicalPath(raw: string): string {
  if (!NOT_PLAIN_PATH.test(raw)) return raw === '' ? '/' : raw
  // A slash that was sent encoded separates nothing, but is signed as a slash all the same.
  return encodePath(decode(raw))
}

/** Throws URIError for half of a surrogate pair, which no decoded text has. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(LEFT, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

function decode(raw: string): string {
  const bytes = Buffer.allocUnsafe(raw.length)
  let length = 0
  for (let at = 0; at < raw.length; at++) {
    let byte = raw.charCodeAt(at)
    if (byte === 0x25) {
      byte = (hexDigit(raw.charCodeAt(at + 1)) << 4) | hexDigit(raw.charCodeAt(at + 2))
      // Only -1 for a digit makes it negative.
      if (byte < 0) throw new S3Error('InvalidURI', 'The URI has a % without two hexadecimal digits.')
      at += 2
    }
    if (byte === 0) throw new S3Error('InvalidURI', 'The URI has a NUL.')
    bytes[length++] = byte
  }
  try {
    return UTF8.decode(bytes.subarray(0, length))
  } catch {
    throw new S3Error('InvalidURI', 'The URI is not UTF-8.')
  }
}

/** -1 for what is none; NaN, past the end of a text, is none. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
