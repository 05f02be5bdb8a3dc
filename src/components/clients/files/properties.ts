/** Java's properties files: `key = value`, `#` and `!` for comments, a backslash to escape or to go on in the next line. */

interface Entry {
  readonly key: string
  readonly value: string
  /** Where its lines begin and end in the text, the end of the last line included. */
  readonly start: number
  readonly end: number
}

/** The last of several entries of a key counts. */
export function parseProperties(text: string): Map<string, string> {
  return new Map(entriesOf(text).map(({ key, value }) => [key, value]))
}

/** Sets or removes entries; comments and all other lines stay. */
export function changeProperties(
  _path: string,
  text: string,
  changes: ReadonlyMap<string, string | undefined>,
): string {
  const left = new Map(changes)
  let changed = ''
  let at = 0
  for (const { key, start, end } of entriesOf(text)) {
    if (!changes.has(key)) continue
    changed += text.slice(at, start)
    const value = left.get(key)
    if (value !== undefined) changed += lineOf(key, value)
    left.set(key, undefined)
    at = end
  }
  changed += text.slice(at)
  if (changed !== '' && !changed.endsWith('\n')) changed += '\n'
  for (const [key, value] of left) if (value !== undefined) changed += lineOf(key, value)
  return changed
}

function entriesOf(text: string): Entry[] {
  const entries: Entry[] = []
  let logical = ''
  let start = 0
  let goesOn = false
  for (const { 0: line, 1: content = '', index } of text.matchAll(/([^\r\n]*)(?:\r\n|\r|\n|$)/g)) {
    if (!goesOn) {
      if (/^[ \t\f]*([#!]|$)/.test(content)) continue
      start = index
    }
    const body = content.replace(/^[ \t\f]+/, '')
    goesOn = /(?<!\\)(?:\\\\)*\\$/.test(body)
    logical += goesOn ? body.slice(0, -1) : body
    const end = index + line.length
    if (goesOn && end < text.length) continue
    const [, key = '', value = ''] = /^((?:\\.|[^\\=: \t\f])*)[ \t\f]*[=:]?[ \t\f]*(.*)$/s.exec(logical) ?? []
    entries.push({ key: decode(key), value: decode(value), start, end })
    logical = ''
    goesOn = false
  }
  return entries
}

const ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

function decode(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_, code, char) =>
    code ? String.fromCharCode(Number.parseInt(code, 16)) : (ESCAPES[char] ?? char),
  )
}

function lineOf(key: string, value: string): string {
  return `${encode(key).replace(/[ =:#!]/g, '\\$&')}=${encode(value).replace(/^ /, '\\ ')}\n`
}

function encode(text: string): string {
  const named: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r', '\f': '\\f' }
  return text.replace(/[\\\t\n\r\f]/g, char => named[char]!)
}
