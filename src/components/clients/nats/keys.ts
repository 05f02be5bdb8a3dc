/**
 * Names in NATS, which takes few characters in a key or a token of a subject: the others, and `=` itself, stand as `=`
 * and two hex digits a byte.
 */

/** Of a lock or a sequence: a name with slashes. */
export function keyOf(name: string): string {
  return escaped(name, /[^-\w/]/gu)
}

/** One token of a subject, without a dot or a slash. A name of nothing is `=`. */
export function tokenOf(name: string): string {
  return name === '' ? '=' : escaped(name, /[^-\w]/gu)
}

/** A key of several tokens with dots between; dots where no token would be between them stand escaped. */
export function dottedKeyOf(name: string): string {
  return name === '' ? '=' : escaped(name, /[^-\w/.]|^\.|\.$|(?<=\.)\./gu)
}

/** What keyOf, tokenOf or dottedKeyOf has written. */
export function nameOf(written: string): string {
  if (written === '=') return ''
  return written.replace(/(?:=[0-9a-f]{2})+/g, run => Buffer.from(run.replaceAll('=', ''), 'hex').toString())
}

function escaped(name: string, forbidden: RegExp): string {
  return name.replace(forbidden, char => {
    return [...Buffer.from(char)].map(byte => `=${byte.toString(16).padStart(2, '0')}`).join('')
  })
}
