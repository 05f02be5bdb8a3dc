/** Checks a piece of the configuration against its schema and puts every complaint into one short sentence of ours. */
import { type core, safeParse } from 'zod/mini'
import { nearest } from './nearest.ts'
import { ONE_OF, type Problem, type ProblemDetails, problemAt, SECRET_NAME } from './problem.ts'
import { SECRET_FORMS } from './secret-ref.ts'
import { plainValue, type Scalar, spotAt, type Tree, treeAt, withScalar } from './tree.ts'

type Issue = core.$ZodIssue
type Path = readonly PropertyKey[]

export const UNKNOWN_KEY = 'is not known here'
export const REQUIRED = 'is required'

/** Complaints about how much there is of a list or about the name of a map: that it is a list or map is not news. */
const MEASURES: ReadonlySet<string> = new Set(['too_small', 'too_big', 'invalid_key'])

export interface CheckOptions {
  /** Keys that are allowed beside those of the schema: others check them, here they are only offered. */
  readonly otherKeys?: readonly string[]
}

/** What the schema makes of the tree, or undefined after problems were added to the list; `path` is where it hangs. */
export function checkTree<T>(
  schema: core.$ZodType<T>,
  tree: Tree,
  path: Path,
  problems: Problem[],
  options: CheckOptions = {},
): T | undefined {
  let current = tree
  let result = safeParse(schema, plainValue(current), PARSING)
  if (!result.success) {
    current = withExpandedScalars(tree, result.error.issues)
    if (current !== tree) result = safeParse(schema, plainValue(current), PARSING)
  }
  if (result.success) return result.data
  for (const issue of result.error.issues.flatMap(issue => unfold(issue, [], current))) {
    if (issue.code === 'unrecognized_keys') unknownKeys(issue, tree, path, problems, options.otherKeys ?? [])
    else problems.push(problemAt(spotAt(tree, issue.path), [...path, ...issue.path], detailsOf(issue, current)))
  }
  return undefined
}

/** A schema is used once per load, so compiling it first, as zod would, costs more than it saves. */
const PARSING = { error: wording, jitless: true }

/**
 * The words of a schema come first. Ours are found when everything is known, so here they are empty; only the keys that
 * an object knows are out of reach later and travel in the message.
 */
function wording(issue: core.$ZodRawIssue): string {
  const shape = issue.code === 'unrecognized_keys' && issue.inst && 'shape' in issue.inst ? issue.inst.shape : undefined
  return shape ? Object.keys(shape as object).join(' ') : ''
}

function unknownKeys(
  issue: core.$ZodIssueUnrecognizedKeys,
  tree: Tree,
  path: Path,
  problems: Problem[],
  otherKeys: readonly string[],
): void {
  const known = issue.message.split(' ').filter(Boolean)
  const allowed = issue.path.length === 0 ? [...otherKeys, ...known] : known
  for (const key of issue.keys) {
    const local = [...issue.path, key]
    const found = treeAt(tree, local)
    const details = { message: UNKNOWN_KEY, allowed, suggestion: nearest(key, allowed) }
    problems.push(problemAt(found?.key ?? spotAt(tree, local), [...path, ...local], details))
  }
}

/** Of a union only the variant that was probably meant is worth reading about. */
function unfold(issue: Issue, base: Path, tree: Tree): Issue[] {
  const placed = { ...issue, path: [...base, ...issue.path] } as Issue
  if (placed.code !== 'invalid_union' || placed.message !== '') return [placed]
  const meant = placed.errors
    .filter(branch => !branch.some(inner => inner.path.length === 0 && inner.code !== 'unrecognized_keys'))
    .sort((a, b) => a.length - b.length)[0]
  if (treeAt(tree, placed.path) === undefined || !meant) return [placed]
  return meant.flatMap(inner => unfold(inner, placed.path, tree))
}

/** Reads numbers and booleans out of text that came from variables, where nothing else is accepted. */
function withExpandedScalars(tree: Tree, issues: readonly Issue[], base: Path = []): Tree {
  let changed = tree
  for (const issue of issues) {
    const path = [...base, ...issue.path]
    if (issue.code === 'invalid_union') {
      for (const branch of issue.errors) changed = withExpandedScalars(changed, branch, path)
    } else if (issue.code === 'invalid_type') {
      const at = treeAt(changed, path)
      const value = at?.expanded && typeof at.content === 'string' ? readAs(issue.expected, at.content) : undefined
      if (value !== undefined) changed = withScalar(changed, path, value)
    }
  }
  return changed
}

function readAs(expected: string, text: string): Scalar | undefined {
  if (expected === 'boolean') return text === 'true' || (text === 'false' ? false : undefined)
  if (expected !== 'number' && expected !== 'int') return undefined
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined
}

function detailsOf(issue: Issue, tree: Tree): ProblemDetails {
  const at = treeAt(tree, issue.path)
  if (at === undefined && issue.code !== 'custom') return { message: REQUIRED, allowed: allowedBy(issue) }
  if (at?.content === null && issue.code !== 'custom') return noValue(issue)
  const secret = issue.message === SECRET_FORMS && typeof at?.content !== 'object'
  if (issue.code === 'custom') return { message: issue.message || 'is not valid', secret, ...issue.params }
  const allowed = allowedBy(issue)
  const suggestion = allowed && typeof at?.content === 'string' ? nearest(at.content, allowed) : undefined
  const found = MEASURES.has(issue.code) && typeof at?.content === 'object' ? undefined : foundIn(at, issue.path)
  const unquoted =
    issue.message === '' &&
    issue.code === 'invalid_type' &&
    issue.expected === 'string' &&
    typeof at?.content !== 'object'
  return { message: expectation(issue) + (unquoted ? '; put it in quotes' : ''), found, allowed, suggestion, secret }
}

function noValue(issue: Issue): ProblemDetails {
  const expected = expectation(issue)
  return { message: expected === ONE_OF ? 'has no value' : `has no value; it ${expected}`, allowed: allowedBy(issue) }
}

function allowedBy(issue: Issue): readonly string[] | undefined {
  if (issue.code === 'invalid_value') return issue.values.map(String)
  return issue.code === 'invalid_union' && 'options' in issue ? issue.options?.map(String) : undefined
}

function foundIn(at: Tree | undefined, path: Path): string | undefined {
  if (at === undefined || SECRET_NAME.test(String(path.at(-1)))) return undefined
  const { content } = at
  if (typeof content === 'object' && content !== null) return Array.isArray(content) ? 'a list' : 'a map'
  // A variable may hold a secret that was never meant to be seen; its reference stands in the excerpt.
  if (at.expanded) return content === '' ? 'an empty variable' : 'something else in the variable'
  const text = typeof content === 'string' ? JSON.stringify(content) : String(content)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'must be text',
  number: 'must be a number',
  int: 'must be a whole number',
  boolean: 'must be true or false',
  object: 'must be a map',
  record: 'must be a map',
  array: 'must be a list',
  tuple: 'must be a list',
}

function expectation(issue: Issue): string {
  if (issue.message !== '') return issue.message
  switch (issue.code) {
    case 'invalid_type':
      return TYPES[issue.expected] ?? `must be ${issue.expected}`
    case 'invalid_value':
      return ONE_OF
    case 'invalid_union':
      return unionExpectation(issue)
    case 'too_small':
      return `must ${bound(issue.origin, 'at least', 'more than', Number(issue.minimum), issue.inclusive)}`
    case 'too_big':
      return `must ${bound(issue.origin, 'at most', 'less than', Number(issue.maximum), issue.inclusive)}`
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`
    case 'invalid_format':
      return issue.pattern ? `must match ${issue.pattern}` : `must be a valid ${issue.format}`
    case 'invalid_key':
      return issue.issues[0]?.message || 'is not a valid name'
    default:
      return 'is not valid'
  }
}

function unionExpectation(issue: core.$ZodIssueInvalidUnion): string {
  if ('options' in issue && issue.options) return ONE_OF
  const parts = issue.errors.map(branch => branch[0] && expectation(branch[0]).replace(/^must be /, ''))
  return `must be ${[...new Set(parts.filter(Boolean))].join(' or ')}`
}

function bound(origin: string, inclusive: string, exclusive: string, limit: number, isInclusive = true): string {
  const amount = `${isInclusive ? inclusive : exclusive} ${limit}`
  if (origin === 'string') return limit === 1 && inclusive === 'at least' ? 'not be empty' : `have ${amount} characters`
  if (origin === 'array' || origin === 'set') return `have ${amount} ${limit === 1 ? 'entry' : 'entries'}`
  return `be ${amount}`
}
