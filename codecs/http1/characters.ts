/** Which bytes may stand where in a head, by RFC 9110 section 5 and RFC 9112 section 3: tables with 1 for those that may. */

const table = (...ranges: readonly (readonly [from: number, to: number])[]): Uint8Array => {
  const allowed = new Uint8Array(256)
  for (const [from, to] of ranges) allowed.fill(1, from, to + 1)
  return allowed
}

const withCharacters = (allowed: Uint8Array, characters: string): Uint8Array => {
  for (const character of characters) allowed[character.charCodeAt(0)] = 1
  return allowed
}

/** `tchar`: methods and names of headers. */
export const TOKEN = withCharacters(table([0x30, 0x39], [0x41, 0x5a], [0x61, 0x7a]), "!#$%&'*+-.^_`|~")

/** Values of headers, reasons, chunk extensions: tab, space, visible ASCII and everything above it. */
export const VALUE = table([0x09, 0x09], [0x20, 0x7e], [0x80, 0xff])

/**
 * Targets: visible ASCII but `#`, as fragments are never sent. Some servers take bytes above ASCII too; they are none of
 * a URI, and Node's parser refuses them.
 */
export const TARGET = table([0x21, 0x22], [0x24, 0x7e])

/** `uri-host [ ":" port ]`, not looked at closer: names are compared, never resolved. */
export const HOST = withCharacters(table([0x30, 0x39], [0x41, 0x5a], [0x61, 0x7a]), "-._~!$&'()*+,;=%:[]")

export const TAB = 0x09
export const LF = 0x0a
export const CR = 0x0d
export const SPACE = 0x20
export const COLON = 0x3a
