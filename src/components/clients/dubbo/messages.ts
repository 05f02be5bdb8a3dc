/** Generic calls as Dubbo's bodies, and what is answered: a method of any service by name, its arguments as plain values. */
import { STATUS } from '../../../../codecs/dubbo/index.ts'
import { ApiError, type ApiErrorCode, type Invocation, type InvocationResult } from '../../../apis/index.ts'
import { toHessian } from './arguments.ts'
import type { Hessian, HessianReader } from './hessian.ts'
import { toJson } from './result.ts'

/** Of the protocol; from this one on answers have attachments. */
const DUBBO_VERSION = '2.0.2'
const NO_VERSION = '0.0.0'
/** `$invoke(String method, String[] types, Object[] arguments)` */
const GENERIC_METHOD = '$invoke'
const GENERIC_TYPES = 'Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;'

/** Attachments by which Dubbo steers the call: an application cannot set them. */
const RESERVED: ReadonlySet<string> = new Set(['path', 'interface', 'group', 'version', 'timeout', 'generic'])

export function encodeInvocation(hessian: Hessian, invocation: Invocation, timeoutMs: number): Buffer {
  const { service, method, args, types, group, version, attachments } = invocation
  if (types && types.length !== args.length) {
    throw new ApiError('invalid-argument', `there are ${args.length} arguments, but ${types.length} types of arguments`)
  }
  for (const name of Object.keys(attachments)) {
    if (RESERVED.has(name)) throw new ApiError('invalid-argument', `the attachment ${name} is Dubbo’s own`)
  }
  const all = new Map<string, string>([
    ...Object.entries(attachments),
    ['path', service],
    ['interface', service],
    ['generic', 'true'],
    ['timeout', String(Math.ceil(timeoutMs))],
    ...(group ? [['group', group] as const] : []),
    ...(version ? [['version', version] as const] : []),
  ])
  const values = args.map((arg, i) => toHessian(arg, types?.[i]))
  return (
    hessian
      .writer()
      .write(DUBBO_VERSION)
      .write(service)
      .write(version || NO_VERSION)
      .write(GENERIC_METHOD)
      .write(GENERIC_TYPES)
      .write(method)
      // Without types the provider takes the one method of that name.
      .write(types || args.length === 0 ? { $class: '[string', $: types ?? [] } : null)
      .write({ $class: '[object', $: values })
      .write(all)
      .get()
  )
}

/** What the first value of an answer says: what follows, and whether attachments follow that. */
const ANSWERS: Readonly<Record<number, { readonly what: 'exception' | 'value' | 'null'; readonly attached: boolean }>> =
  {
    0: { what: 'exception', attached: false },
    1: { what: 'value', attached: false },
    2: { what: 'null', attached: false },
    3: { what: 'exception', attached: true },
    4: { what: 'value', attached: true },
    5: { what: 'null', attached: true },
  }

/** Throws an ApiError for an exception, and for a status that is none of success. */
export function decodeAnswer(hessian: Hessian, status: number, body: Buffer, keepsClasses: boolean): InvocationResult {
  const reader = hessian.reader(body)
  if (status !== STATUS.ok) throw failureOf(status, reader)
  const answer = ANSWERS[reader.read() as number]
  if (!answer) throw new ApiError('internal', 'the provider’s answer is of an unknown kind')
  if (answer.what === 'exception') throw exceptionOf(reader.read())
  const value = answer.what === 'value' ? toJson(reader.read(), keepsClasses) : null
  return { value, attachments: answer.attached ? textsOf(reader.read()) : {} }
}

/** What a status means for the call; what is not here is an error of the provider's own. */
const CODES: Readonly<Record<number, ApiErrorCode>> = {
  [STATUS.clientTimeout]: 'unknown',
  [STATUS.serverTimeout]: 'unknown',
  [STATUS.badRequest]: 'invalid-argument',
  [STATUS.serviceNotFound]: 'not-found',
  // It was not begun.
  [STATUS.exhausted]: 'unavailable',
}

function failureOf(status: number, reader: HessianReader): ApiError {
  let text: string
  try {
    text = String(reader.read())
  } catch {
    text = 'without a reason that can be read'
  }
  const code = CODES[status] ?? codeOf(text)
  return new ApiError(code, `the provider answered with status ${status}: ${firstLine(text)}`)
}

/** What is wrong with a call itself is told in words only, those of the provider's and of the exceptions it names. */
const WORDS: readonly (readonly [words: string, code: ApiErrorCode])[] = [
  ['Not found exported service', 'not-found'],
  ['NoSuchMethodException', 'not-found'],
  ['Not unique method', 'invalid-argument'],
]

function codeOf(text: string): ApiErrorCode {
  return WORDS.find(([words]) => text.includes(words))?.[1] ?? 'internal'
}

/**
 * Of a generic call it is a GenericException, whose text begins with the name and the text of the real one. The library
 * makes an Error of every exception.
 */
function exceptionOf(thrown: unknown): ApiError {
  const { name, message } = thrown instanceof Error ? thrown : { name: 'an exception', message: '' }
  const text = firstLine(message)
  const inner = /^[\w.$]+(?:Exception|Error)(?=:|$)/.exec(text)?.[0]
  return new ApiError(codeOf(inner ?? name), inner ? text : `${name}: ${text}`)
}

const MAX_TEXT = 500

/** A stack trace is the provider's own. */
function firstLine(text: string): string {
  return text.split('\n', 1)[0]!.slice(0, MAX_TEXT)
}

/** The attachment by which a provider tells its version of the protocol. */
const OWN_VERSION = 'dubbo'

/** Attachments that are texts; others have no meaning beyond Java. */
function textsOf(attachments: unknown): Record<string, string> {
  if (typeof attachments !== 'object' || attachments === null) return {}
  const texts = Object.entries(attachments).filter(([name, value]) => typeof value === 'string' && name !== OWN_VERSION)
  return Object.fromEntries(texts)
}
