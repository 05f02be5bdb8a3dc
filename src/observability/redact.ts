/**
 * The redactor at the sink: whatever leaves the process for people to read (log lines, the admin pages, error output)
 * passes here. Fields are judged by their names, and every secret that was ever read is replaced wherever it appears.
 */
const REDACTED = '[redacted]'

/** Names whose values are hidden; of an object below such a name only a reference to a secret stays visible. */
const SENSITIVE =
  /^auth$|(pass|passwd|password|passphrase|secret|token|authorization|private_?key|access_?key|api_?key|signature)s?$/i

/** The parts of a reference to a secret: they tell where it comes from, not what it is. */
const REFERENCE = new Set(['env', 'file', 'command', 'refreshMs'])

/** Shorter values would blank out ordinary words; they are hidden by the names of their fields only. */
const MIN_SECRET_LENGTH = 4

/** Refreshed secrets pile up; the oldest are forgotten. */
const MAX_SECRETS = 4096

/** How deep fields are followed; deeper ones are hidden, so that a cycle ends too. */
const MAX_DEPTH = 8

/**
 * The one piece of state that belongs to the process and not to an App: a secret must not leave through any door,
 * whoever has read it.
 */
const secrets = new Set<string>()
let ordered: readonly string[] = []

/** Hides this value from now on, also in the forms that JSON and URLs give it. */
export function registerSecret(value: string): void {
  if (value.length < MIN_SECRET_LENGTH || secrets.has(value)) return
  for (const form of [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value)]) {
    secrets.delete(form)
    secrets.add(form)
  }
  for (const oldest of secrets) {
    if (secrets.size <= MAX_SECRETS) break
    secrets.delete(oldest)
  }
  // The longest first: a secret that contains another one goes as a whole.
  ordered = [...secrets].sort((a, b) => b.length - a.length)
}

/** Replaces every registered secret in a text. */
export function redactText(text: string): string {
  let result = text
  for (const secret of ordered) if (result.includes(secret)) result = result.replaceAll(secret, REDACTED)
  return result
}

/** A copy of the value in which the fields with sensitive names are hidden; texts inside are left to redactText. */
export function redactFields(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth >= MAX_DEPTH) return '[deep]'
  if (Array.isArray(value)) return value.map(item => redactFields(item, depth + 1))
  if (Buffer.isBuffer(value)) return `[${value.length} bytes]`
  if (value instanceof Error) return errorFields(value, depth)
  if (value instanceof Map || value instanceof Set) return redactFields([...value], depth + 1)
  const result: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(value)) {
    result[name] = SENSITIVE.test(name) ? hide(field, depth + 1) : redactFields(field, depth + 1)
  }
  return result
}

function hide(value: unknown, depth: number): unknown {
  if (value === undefined || value === null || typeof value === 'boolean') return value
  if (typeof value !== 'object' || Buffer.isBuffer(value)) return REDACTED
  if (Array.isArray(value)) return value.map(item => hide(item, depth + 1))
  if (depth >= MAX_DEPTH) return REDACTED
  const result: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(value)) {
    result[name] = REFERENCE.has(name) ? field : hide(field, depth + 1)
  }
  return result
}

function errorFields(error: Error, depth: number): Record<string, unknown> {
  const fields: Record<string, unknown> = { type: error.name, message: error.message, stack: error.stack }
  if ('code' in error) fields['code'] = error.code
  if (error.cause !== undefined) fields['cause'] = redactFields(error.cause, depth + 1)
  return fields
}
