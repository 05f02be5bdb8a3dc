/** Reads configuration files: YAML, merged in the order given, variables expanded, checked as a whole. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { LineCounter, parseDocument, type YAMLError } from 'yaml'
import { assemble, type Registry } from './assemble.ts'
import { ConfigError, type Problem, problemAt, type SourceFile, sortProblems } from './problem.ts'
import { mergeTrees, readTree, type Tree } from './tree.ts'
import type { AppConfig, BackendConfig, ListenerConfig } from './types.ts'

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
  for (const name of files) {
    const text = await readFile(name, 'utf8').catch((error: NodeJS.ErrnoException) => {
      problems.push({ file: name, path: '', message: `cannot be read: ${REASONS[error.code ?? ''] ?? error.code}` })
    })
    if (text === undefined) continue
    const tree = parse({ name, text, lines: new LineCounter() }, env, problems)
    merged = merged && tree ? mergeTrees(merged, tree) : (tree ?? merged)
  }
  // Half of a configuration would only produce complaints about what is in the other half.
  if (problems.length || !merged) throw new ConfigError(sortProblems(problems, files))
  const { config, problems: found, warnings } = assemble(merged, registry)
  if (found.length) throw new ConfigError(sortProblems(found, files))
  return { config, files: files.map(file => resolve(file)), warnings: sortProblems(warnings, files) }
}

/** Whether a listener or backend is configured as before, so that a reload can leave it alone. */
export function sameConfig(a: ListenerConfig | BackendConfig, b: ListenerConfig | BackendConfig): boolean {
  return isDeepStrictEqual(a, b)
}

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
  const errors = [...document.errors, ...document.warnings]
  for (const error of errors) problems.push(yamlProblem(error, source))
  return errors.length ? undefined : readTree(document, source, env, problems)
}

function yamlProblem(error: YAMLError, source: SourceFile): Problem {
  const [start, end] = error.pos
  const problem = problemAt({ source, start, end }, [], { message: yamlMessage(error) })
  const unquoted = /[{[,].*\$\{/.test(problem.excerpt ?? '') && error.code !== 'DUPLICATE_KEY'
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
    case 'BAD_ALIAS':
      return 'refers to an anchor that is not defined before it'
    default:
      return `not valid YAML: ${message}`
  }
}
