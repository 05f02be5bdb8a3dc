/** Files of keys and values: YAML and JSON, whose maps may be nested, and Java's properties. */
import { extname } from 'node:path'
import { type Document, parseDocument } from 'yaml'
import { ApiError } from '../../../apis/index.ts'
import { changeProperties, parseProperties } from './properties.ts'

export type Tree = { readonly [key: string]: unknown }

/** What is set, or removed where the value is undefined. */
export type Changes = ReadonlyMap<string, string | undefined>

export interface Format {
  /** Throws an ApiError that names a place in the file, never what stands there. */
  parse(path: string, text: string): Map<string, string>
  /** The text with the changes; what they do not concern stays as it is. */
  change(path: string, text: string, changes: Changes): string
}

/** By the ending of the file's name; YAML, of which JSON is a part, for all that are not known. */
export function formatOf(path: string, separator: string): Format {
  const ending = extname(path).toLowerCase()
  if (ending === '.properties') return { parse: (_, text) => parseProperties(text), change: changeProperties }
  return {
    parse: (name, text) => flatten(parseTree(name, text), separator),
    change(name, text, changes) {
      const document = parse(name, text)
      const places = placesOf(document.toJS() ?? {}, separator)
      for (const [key, value] of changes) {
        const place = places.get(key)
        if (value !== undefined) document.setIn(place ?? [key], value)
        else if (place) document.deleteIn(place)
      }
      const isJson = ending === '.json'
      return isJson ? `${JSON.stringify(document.toJS() ?? {}, null, 2)}\n` : document.toString({ lineWidth: 0 })
    },
  }
}

/** Reads YAML or JSON. Throws an ApiError that names a place, never what stands there. */
export function parseTree(path: string, text: string): Tree {
  const tree: unknown = parse(path, text).toJS({ maxAliasCount: 100 }) ?? {}
  if (typeof tree !== 'object' || tree === null || Array.isArray(tree))
    throw new ApiError('unavailable', `${path} is not a map of keys to values`)
  return tree as Tree
}

function parse(path: string, text: string): Document {
  const document = parseDocument(text, { stringKeys: true })
  const [error] = document.errors
  if (!error) return document
  const [start] = error.linePos ?? []
  const place = start ? ` at line ${start.line}, column ${start.col}` : ''
  throw new ApiError('unavailable', `${path} is not valid: ${error.code}${place}`)
}

/**
 * Values under the names of their paths: `{ a: { b: 1 }, c: [x] }` is `a.b` and `c.0` with the separator `.`. What is no
 * text is written as in JSON, nothing as an empty text.
 */
export function flatten(tree: object, separator: string): Map<string, string> {
  const flat = new Map<string, string>()
  walk(tree, separator, (name, value) => flat.set(name, value === null ? '' : String(value)))
  return flat
}

function placesOf(tree: object, separator: string): Map<string, readonly string[]> {
  const places = new Map<string, readonly string[]>()
  walk(tree, separator, (name, _, place) => places.set(name, place))
  return places
}

function walk(
  tree: object,
  separator: string,
  visit: (name: string, value: unknown, place: readonly string[]) => void,
  above: readonly string[] = [],
): void {
  for (const [key, value] of Object.entries(tree)) {
    const place = [...above, key]
    if (typeof value === 'object' && value !== null) walk(value, separator, visit, place)
    else visit(place.join(separator), value, place)
  }
}
