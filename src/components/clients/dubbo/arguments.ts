/** JSON to what Hessian 2 is to say, by the Java type of an argument where it is given. */
import { ApiError } from '../../../apis/index.ts'

/** Deeper than this nobody nests; Java's side is recursive too. */
const MAX_DEPTH = 100
const INT = { min: -(2n ** 31n), max: 2n ** 31n - 1n }
const LONG = { min: -(2n ** 63n), max: 2n ** 63n - 1n }

type Convert = (value: unknown, type: string) => unknown

/** By the names of Java types; of all others the provider makes what it needs out of plain values. */
const CONVERTERS: Readonly<Record<string, Convert>> = {
  byte: integer(-128n, 127n),
  short: integer(-32_768n, 32_767n),
  int: integer(INT.min, INT.max),
  long: (value, type) => ({ $class: 'long', $: String(integerIn(value, type, LONG.min, LONG.max)) }),
  float: double,
  double,
  boolean: value => (typeof value === 'boolean' ? value : wrong(value, 'boolean')),
  char: value => (typeof value === 'string' && value.length === 1 ? value : wrong(value, 'char')),
  'java.lang.String': (value, type) => (typeof value === 'string' ? value : wrong(value, type)),
  'java.util.Date': date,
  'byte[]': bytes,
  '[B': bytes,
}

const BOXED: Readonly<Record<string, string>> = {
  'java.lang.Byte': 'byte',
  'java.lang.Short': 'short',
  'java.lang.Integer': 'int',
  'java.lang.Long': 'long',
  'java.lang.Float': 'float',
  'java.lang.Double': 'double',
  'java.lang.Boolean': 'boolean',
  'java.lang.Character': 'char',
}
const PRIMITIVES: ReadonlySet<string> = new Set(Object.values(BOXED))

/** Throws `invalid-argument` when the value cannot be of the type. */
export function toHessian(value: unknown, type: string | undefined, depth = 0): unknown {
  if (depth > MAX_DEPTH) throw new ApiError('invalid-argument', `arguments are nested deeper than ${MAX_DEPTH}`)
  if (value === null) return type !== undefined && PRIMITIVES.has(type) ? wrong(value, type) : null
  const name = type === undefined ? undefined : (BOXED[type] ?? type)
  if (name !== undefined && Object.hasOwn(CONVERTERS, name)) return CONVERTERS[name]!(value, type!)
  const element = name?.endsWith('[]') ? name.slice(0, -2) : undefined
  if (element !== undefined && !Array.isArray(value)) return wrong(value, type!)
  if (Array.isArray(value)) return value.map(each => toHessian(each, element, depth + 1))
  if (typeof value === 'number') return number(value)
  if (typeof value !== 'object') return value
  // A Map, so that no key of the application's is taken for a mark of the library's.
  return new Map(Object.entries(value).map(([key, each]) => [key, toHessian(each, undefined, depth + 1)]))
}

function number(value: number): unknown {
  if (!Number.isInteger(value)) return { $class: 'double', $: value }
  if (value >= INT.min && value <= INT.max) return { $class: 'int', $: value }
  return Number.isSafeInteger(value) ? { $class: 'long', $: String(value) } : { $class: 'double', $: value }
}

function integer(min: bigint, max: bigint): Convert {
  return (value, type) => ({ $class: 'int', $: Number(integerIn(value, type, min, max)) })
}

/** JSON's numbers are exact up to 53 bits; a longer one is written as a text. */
function integerIn(value: unknown, type: string, min: bigint, max: bigint): bigint {
  const isExact = Number.isSafeInteger(value) || (typeof value === 'string' && /^-?\d{1,20}$/.test(value))
  if (!isExact) return wrong(value, type)
  const exact = BigInt(value as number | string)
  return exact < min || exact > max ? wrong(value, type) : exact
}

function double(value: unknown, type: string): unknown {
  return typeof value === 'number' ? { $class: 'double', $: value } : wrong(value, type)
}

/** Milliseconds since 1970, or a text as of ISO 8601. */
function date(value: unknown, type: string): unknown {
  const made = typeof value === 'string' || typeof value === 'number' ? new Date(value) : new Date(Number.NaN)
  return Number.isNaN(made.getTime()) ? wrong(value, type) : { $class: 'java.util.Date', $: made }
}

/** Base64. */
function bytes(value: unknown, type: string): unknown {
  const isBase64 = typeof value === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(value) && value.length % 4 === 0
  return isBase64 ? Buffer.from(value, 'base64') : wrong(value, type)
}

function wrong(value: unknown, type: string): never {
  const text = JSON.stringify(value) ?? String(value)
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text
  throw new ApiError('invalid-argument', `${shown} is no ${type}`)
}
