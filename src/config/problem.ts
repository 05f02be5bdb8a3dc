/** What is wrong with a configuration, where, and how it is shown: all problems at once, each with its source line. */
import type { LineCounter } from 'yaml'

export interface SourceFile {
  /** As it was named by the user. */
  readonly name: string
  readonly text: string
  readonly lines: LineCounter
}

/** A stretch of a file, in characters. */
export interface Spot {
  readonly source: SourceFile
  readonly start: number
  readonly end: number
}

export interface Problem {
  readonly file: string
  /** From 1; both are missing when the file could not be read. */
  readonly line?: number
  readonly column?: number
  /** Such as `listeners.cache.address`; empty for the file as a whole. */
  readonly path: string
  readonly message: string
  /** What stands there, never a secret. */
  readonly found?: string
  readonly allowed?: readonly string[]
  /** The known name that was probably meant. */
  readonly suggestion?: string
  /** The line of the file, secrets masked, and which stretch of it is concerned. */
  readonly excerpt?: { readonly text: string; readonly start: number; readonly width: number }
}

export interface ProblemDetails {
  readonly message: string
  readonly found?: string | undefined
  readonly allowed?: readonly string[] | undefined
  readonly suggestion?: string | undefined
  /** The value itself is a secret that should not be in the file. */
  readonly secret?: boolean | undefined
}

/** All problems of a configuration; the message is the text to show. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(renderProblems(problems))
    this.problems = problems
  }
}

export function problemAt(spot: Spot, path: readonly PropertyKey[], details: ProblemDetails): Problem {
  const { source, start, end } = spot
  const { line, col } = source.lines.linePos(start)
  const { message, found, allowed, suggestion, secret } = details
  return {
    file: source.name,
    line: Math.max(1, line),
    column: Math.max(1, col),
    path: formatPath(path),
    message,
    ...(found === undefined || secret ? {} : { found: maskSecrets(found) }),
    ...(allowed === undefined ? {} : { allowed }),
    ...(suggestion === undefined ? {} : { suggestion }),
    excerpt: excerptOf(lineAt(source.text, start), Math.max(0, col - 1), end - start, secret),
  }
}

function excerptOf(line: string, column: number, length: number, secret = false): NonNullable<Problem['excerpt']> {
  const before = maskSecrets(line.slice(0, column))
  const text = secret ? before + MASK : maskSecrets(line)
  const width = secret ? MASK.length : Math.min(length, text.length - before.length)
  return { text, start: before.length, width: Math.max(1, width) }
}

/** In the order of the files, then of the lines, so that they can be worked off from top to bottom. */
export function sortProblems(problems: readonly Problem[], files: readonly string[]): Problem[] {
  return [...problems].sort(
    (a, b) =>
      files.indexOf(a.file) - files.indexOf(b.file) ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0),
  )
}

export function renderProblems(problems: readonly Problem[]): string {
  return problems.map(renderProblem).join('\n')
}

function renderProblem(problem: Problem): string {
  const { file, line, column, path, excerpt } = problem
  const place = line === undefined ? file : `${file}:${line}:${column}`
  const head = `${place}: ${path && `${path} `}${sentence(problem)}`
  if (line === undefined || excerpt === undefined) return head
  const { text, start, width } = excerpt
  // Tabs are kept in the margin, so that the caret stands below its column however wide they are shown.
  const margin = text.slice(0, start).replace(/[^\t]/g, ' ')
  return `${head}\n${String(line).padStart(5)} | ${text}\n${' '.repeat(5)} | ${margin}${'^'.repeat(width)}`.replace(
    / +$/gm,
    '',
  )
}

/** The problem in one sentence, without its place: `must be x, found y; a remark; did you mean "z"?` */
function sentence({ message, found, allowed = [], suggestion }: Problem): string {
  const listed = message === ONE_OF ? `${message} ${allowed.join(', ')}` : message
  let text = found === undefined ? listed : listed.replace(/;|$/, remark => `, found ${found}${remark}`)
  if (suggestion !== undefined) text += `; did you mean ${JSON.stringify(suggestion)}?`
  // A long list helps nobody who was only a letter away.
  const known = suggestion !== undefined && (allowed.length > 8 || allowed.length === 1)
  if (listed === message && allowed.length && !known) text += `${suggestion ? '' : ';'} allowed: ${allowed.join(', ')}`
  return text
}

/** The message of a problem whose allowed words follow in the same sentence. */
export const ONE_OF = 'must be one of'

/** `listeners.cache.users[0].name` */
export function formatPath(path: readonly PropertyKey[]): string {
  let text = ''
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`
    else text += `${text && '.'}${String(part)}`
  }
  return text
}

const MASK = '*****'

/** A password that somebody wrote into the file must not reach a log by way of an error about something else. */
function maskSecrets(line: string): string {
  return line
    .replace(SECRET_LINE, (_, key: string) => key + MASK)
    .replace(SECRET_ENTRY, (_, key: string) => key + MASK)
    .replace(/:\/\/[^@\s/]*@/g, `://${MASK}@`)
}

/** A key and its value on a line of their own; references to secrets are maps and are shown. */
const SECRET_LINE = /^([\s-]*["']?\w*(?:pass?w|pass|pwd|secret|token)\w*["']?\s*:\s*)[^\s{[&*!|>$].*$/i
/** The same within braces. */
const SECRET_ENTRY =
  /((?:pass?w|pass|pwd|secret|token)\w*["']?\s*:\s*)("(?:\\.|[^"\\])*"?|'[^']*'?|[^\s{}[\]#&*!|>$,"'][^,}#]*)/gi

/** Names of options whose values are better not repeated. */
export const SECRET_NAME = /pass?w|pass|pwd|secret|token/i

function lineAt(text: string, offset: number): string {
  const start = text.lastIndexOf('\n', offset - 1) + 1
  const end = text.indexOf('\n', offset)
  return text.slice(start, end < 0 ? undefined : end).replace(/\r$/, '')
}
