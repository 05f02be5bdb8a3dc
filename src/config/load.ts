/** Reads configuration files: YAML, merged in the order given, variables expanded, checked as a whole. */
import { readFile } from 'node:fs'
import { resolve } from 'node:path'
import { isDeepStrictEqual, promisify } from 'node:util'
import { LineCounter, parseDocument, type YAMLError } from 'yaml'
import { assemble, type Registry } from './assemble.ts'
import { REQUIRED, UNKNOWN_KEY } from './describe.ts'
import { ConfigError, type Problem, problemAt, type SourceFile, sortProblems } from './problem.ts'
import { SECTIONS } from './sections.ts'
import { isTreeMap, mergeTrees, readTree, type Tree } from './tree.ts'
import type { AppConfig, BackendConfig, ComponentConfig, ListenerConfig } from './types.ts'

export interface LoadedConfig {
  readonly config: AppConfig
  /** Absolute paths of the files that were read; a change of any of them, or of a link on the way, is worth a reload. */
  readonly files: readonly string[]
  /** What is probably not meant, but harmless. */
  readonly warnings: readonly Problem[]
}

/** Loads the files, later ones winning per key. Rejects with a ConfigError that holds every problem of every file. */
export async function loadConfig(
  files: readonly string[],
  registry: Registry,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<LoadedConfig> {
  const problems: Problem[] = []
  let merged: Tree | undefined
  let incomplete = false
  for (const name of files) {
    const text = await readText(name, 'utf8').catch((error: NodeJS.ErrnoException) => {
      problems.push({ file: name, path: '', message: `cannot be read: ${REASONS[error.code ?? ''] ?? error.code}` })
    })
    const tree = text === undefined ? undefined : parse({ name, text, lines: new LineCounter() }, env, problems)
    if (!tree) incomplete = true
    else merged = merged ? mergeTrees(merged, tree) : tree
  }
  // Half of a configuration would only produce complaints about what is in the other half.
  if (incomplete || !merged) throw new ConfigError(sortProblems(problems, files))
  const { config, problems: found, warnings } = assemble(merged, registry)
  // A value whose variable is not set is wrong already; what a schema says about the rest of it is no news.
  const places = new Set(problems.map(placeOf))
  problems.push(...withoutEchoes(found.filter(problem => !places.has(placeOf(problem)))))
  if (problems.length) throw new ConfigError(sortProblems(problems, files))
  return { config, files: files.map(file => resolve(file)), warnings: sortProblems(warnings, files) }
}

function placeOf({ file, line, column }: Problem): string {
  return `${file}:${line}:${column}`
}

/** A misspelt key is one mistake, although the right one is then missing. */
function withoutEchoes(problems: readonly Problem[]): Problem[] {
  const meant = new Set<string>()
  for (const { message, path, suggestion } of problems) {
    if (message === UNKNOWN_KEY && suggestion) meant.add(path.replace(/[^.]*$/, suggestion))
  }
  return problems.filter(({ message, path }) => message !== REQUIRED || !meant.has(path))
}

/** Whether a listener, backend or component is configured as before, so that a reload can leave it alone. */
export function sameConfig<Config extends ListenerConfig | BackendConfig | ComponentConfig>(
  a: Config,
  b: Config,
): boolean {
  return isDeepStrictEqual(a, b)
}

// Not node:fs/promises, which takes 2 ms of the start to load.
const readText = promisify(readFile)

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
}

function parse(
  source: SourceFile,
  env: Readonly<Record<string, string | undefined>>,
  problems: Problem[],
): Tree | undefined {
  const document = parseDocument(source.text, { lineCounter: source.lines, prettyErrors: false, stringKeys: true })
  // One mistake often makes the parser stumble over what follows, in the same way again and again.
  const errors = new Map([...document.errors, ...document.warnings].reverse().map(error => [error.code, error]))
  for (const error of errors.values()) problems.push(yamlProblem(error, source))
  if (errors.size) return undefined
  const tree = readTree(document, source, env, problems)
  if (tree.content === null) return { ...tree, content: new Map() }
  if (isTreeMap(tree.content)) return tree
  problems.push(problemAt(tree.at, [], { message: 'the file must be a map', allowed: Object.keys(SECTIONS) }))
  return undefined
}

function yamlProblem(error: YAMLError, source: SourceFile): Problem {
  const [start, end] = error.pos
  const problem = problemAt({ source, start, end }, [], { message: yamlMessage(error) })
  const unquoted = /[{[,].*\$\{/.test(problem.excerpt?.text ?? '') && error.code !== 'DUPLICATE_KEY'
  return unquoted
    ? { ...problem, message: `${problem.message}; a value with \${...} inside { } or [ ] needs quotes` }
    : problem
}

function yamlMessage({ code, message }: YAMLError): string {
  switch (code) {
    case 'DUPLICATE_KEY':
      return 'this key is already in the same map'
    case 'TAB_AS_INDENT':
      return 'tabs cannot indent YAML, only spaces can'
    case 'MULTIPLE_DOCS':
      return 'a second YAML document begins here; put it into a file of its own and give both with -c'
    default:
      return `not valid YAML: ${message}`
  }
}
