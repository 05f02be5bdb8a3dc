/**
 * The configuration between YAML and its schema: plain maps, lists and scalars, each of which remembers where it was
 * written, so that a problem found after several files were merged still points into the right one.
 */
import { type Document, isAlias, isMap, isScalar, isSeq, type Node as YamlNode } from 'yaml'
import { interpolate } from './interpolate.ts'
import { type Problem, problemAt, type SourceFile, type Spot } from './problem.ts'

export type Scalar = string | number | boolean | null
export type Content = ReadonlyMap<string, Tree> | readonly Tree[] | Scalar

export interface Tree {
  /** Where the value stands. */
  readonly at: Spot
  /** Where its key stands, if it has one. */
  readonly key: Spot | undefined
  readonly content: Content
  /** True when environment variables took part: a schema that wants a number may then read one out of the text. */
  readonly expanded: boolean
}

/** Aliases make it possible to write a small file that unfolds into an endless tree. */
const MAX_NODES = 100_000
const MAX_DEPTH = 64

/** Reads a parsed document without errors. Problems with variables and aliases are added to the list. */
export function readTree(
  document: Document,
  source: SourceFile,
  env: Readonly<Record<string, string | undefined>>,
  problems: Problem[],
): Tree {
  let nodes = 0
  let endless = false

  /** `alias` is where the outermost alias on the way stands: what it unfolds into is written elsewhere. */
  function read(node: YamlNode | null, path: readonly PropertyKey[], key: Spot | undefined, alias?: Spot): Tree {
    const at = spotOf(node, source) ?? key ?? { source, start: 0, end: 1 }
    const leaf = (content: Scalar, expanded = false): Tree => ({ at, key, content, expanded })
    if (endless) return leaf(null)
    if (++nodes > MAX_NODES || path.length > MAX_DEPTH) {
      endless = true
      problems.push(problemAt(alias ?? at, [], { message: 'unfolds into far more than a configuration can hold' }))
      return leaf(null)
    }
    if (isAlias(node)) {
      const target = node.resolve(document)
      if (target) return { ...read(target, path, key, alias ?? at), at }
      problems.push(problemAt(at, path, { message: 'refers to an anchor that is not defined before it' }))
      return leaf(null)
    }
    if (isMap(node)) {
      const content = new Map<string, Tree>()
      for (const { key: name, value } of node.items) {
        const text = String(isScalar(name) ? name.value : name)
        content.set(text, read(value as YamlNode | null, [...path, text], spotOf(name as YamlNode, source), alias))
      }
      return { at, key, content, expanded: false }
    }
    if (isSeq(node)) {
      const content = node.items.map((item, index) => read(item as YamlNode | null, [...path, index], undefined, alias))
      return { at, key, content, expanded: false }
    }
    const value = isScalar(node) ? node.value : null
    if (typeof value === 'string') {
      if (!value.includes('${')) return leaf(value)
      const { text, failures } = interpolate(value, env)
      for (const message of failures) problems.push(problemAt(at, path, { message }))
      return leaf(text, true)
    }
    return leaf(typeof value === 'number' || typeof value === 'boolean' ? value : null)
  }

  return read(document.contents, [], undefined)
}

function spotOf(node: YamlNode | null | undefined, source: SourceFile): Spot | undefined {
  return node?.range ? { source, start: node.range[0], end: node.range[1] } : undefined
}

/** Maps are merged deeply; lists and scalars of the later tree replace those of the earlier one. */
export function mergeTrees(earlier: Tree, later: Tree): Tree {
  if (!isTreeMap(earlier.content) || !isTreeMap(later.content)) return later
  const content = new Map(earlier.content)
  for (const [name, tree] of later.content) {
    const before = content.get(name)
    content.set(name, before ? mergeTrees(before, tree) : tree)
  }
  return { ...later, content }
}

export function isTreeMap(content: Content | undefined): content is ReadonlyMap<string, Tree> {
  return content instanceof Map
}

/** The value as a schema takes it. */
export function plainValue(tree: Tree): unknown {
  const { content } = tree
  if (isTreeMap(content)) return Object.fromEntries([...content].map(([name, child]) => [name, plainValue(child)]))
  return isList(content) ? content.map(plainValue) : content
}

/** The tree at that path, or undefined. */
export function treeAt(tree: Tree, path: readonly PropertyKey[]): Tree | undefined {
  let current: Tree | undefined = tree
  for (const part of path) current = current && childOf(current, part)
  return current
}

/** Where to point for that path: the value if it is a scalar, else its key, else the nearest parent that was written. */
export function spotAt(tree: Tree, path: readonly PropertyKey[]): Spot {
  let current = tree
  let spot = tree.key ?? firstCharacter(tree.at)
  for (const part of path) {
    const child = childOf(current, part)
    if (!child) return spot
    current = child
    spot = pointAt(child)
  }
  return path.length === 0 ? pointAt(tree) : spot
}

/** The same tree with another scalar at that path. */
export function withScalar(tree: Tree, path: readonly PropertyKey[], value: Scalar): Tree {
  const [part, ...rest] = path
  if (part === undefined) return { ...tree, content: value }
  const { content } = tree
  const child = childOf(tree, part)
  if (!child) return tree
  const changed = withScalar(child, rest, value)
  if (isTreeMap(content)) return { ...tree, content: new Map(content).set(String(part), changed) }
  return isList(content) ? { ...tree, content: content.with(Number(part), changed) } : tree
}

function childOf({ content }: Tree, part: PropertyKey): Tree | undefined {
  if (isTreeMap(content)) return content.get(String(part))
  return isList(content) ? content[Number(part)] : undefined
}

function pointAt(tree: Tree): Spot {
  const structured = tree.content === null || typeof tree.content === 'object'
  return (structured ? tree.key : undefined) ?? (structured ? firstCharacter(tree.at) : tree.at)
}

function firstCharacter({ source, start }: Spot): Spot {
  return { source, start, end: start + 1 }
}

function isList(content: Content): content is readonly Tree[] {
  return Array.isArray(content)
}
