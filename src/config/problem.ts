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
  /** The line of the file, secrets masked, and how many characters of it are concerned. */
  readonly excerpt?: string
  readonly width?: number
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
  const text = lineAt(source.text, start)
  const width = Math.max(1, Math.min(end - start, text.length - col + 1))
  const { message, found, allowed, suggestion, secret } = details
  return {
    file: source.name,
    line,
    column: col,
    path: formatPath(path),
    message,
    ...(found === undefined || secret ? {} : { found }),
    ...(allowed === undefined ? {} : { allowed }),
    ...(suggestion === undefined ? {} : { suggestion }),
    excerpt: secret ? `${text.slice(0, col - 1)}${MASK}` : maskSecrets(text),
    width: secret ? MASK.length : width,
  }
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
  const { file, line, column, path, excerpt, width = 1 } = problem
  const place = line === undefined ? file : `${file}:${line}:${column}`
  const head = `${place}: ${path && `${path} `}${sentence(problem)}`
  if (line === undefined || column === undefined || excerpt === undefined) return head
  // Tabs are kept in the margin, so that the caret stands below its column however wide they are shown.
  const margin = excerpt.slice(0, column - 1).replace(/[^\t]/g, ' ')
  const number = String(line).padStart(5)
  return `${head}\n${number} | ${excerpt}\n${' '.repeat(5)} | ${margin}${'^'.repeat(width)}`
}

/** The problem in one sentence, without its place. */
function sentence({ message, found, allowed, suggestion }: Problem): string {
  let text = message
  if (found !== undefined) text += `, found ${found}`
  if (suggestion !== undefined) text += `; did you mean ${JSON.stringify(suggestion)}?`
  if (allowed?.length) text += `${suggestion === undefined ? ';' : ''} allowed: ${allowed.join(', ')}`
  return text
}

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
  return line.replace(/((?:pass|secret|token)\w*["']?\s*:\s*)([^\s{[#&*!|>$][^,}#]*)/gi, (_, key: string) => key + MASK)
}

export const SECRET_NAME = /pass|secret|token/i

function lineAt(text: string, offset: number): string {
  const start = text.lastIndexOf('\n', offset - 1) + 1
  const end = text.indexOf('\n', offset)
  return text.slice(start, end < 0 ? undefined : end).replace(/\r$/, '')
}
