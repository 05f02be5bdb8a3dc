/** The configuration file as JSON Schema (draft 2020-12): for editors, which complete and check while one types. */
import * as z from 'zod/mini'
import type { Registry } from './assemble.ts'
import {
  admin,
  backendCommon,
  componentCommon,
  listenerCommon,
  log,
  NAME,
  requirement,
  SECTIONS,
  shutdown,
} from './sections.ts'

export type JsonSchema = z.core.JSONSchema.BaseSchema

/** A table of the documentation. */
export interface SchemaPart {
  readonly section: keyof typeof SECTIONS
  /** For the options that only some entries of the section have: those with these values. */
  readonly only?: Readonly<Record<string, string>>
  readonly schema: JsonSchema
}

/** The whole file, with `${NAME}` allowed in place of every value. */
export function jsonSchema(registry: Registry): JsonSchema {
  const named = (variants: readonly z.ZodMiniObject[]) => {
    const [first, ...rest] = variants
    const value = first ? z.discriminatedUnion('protocol', [first, ...rest]) : z.never()
    return z.record(z.string().check(z.regex(NAME)), value)
  }
  const sections = {
    listeners: named(registry.protocols.map(({ name, options }) => variant(listenerCommon, name, options))),
    backends: named(registry.backendKinds.map(({ protocol, options }) => variant(backendCommon, protocol, options))),
    components: z.record(z.string().check(z.regex(NAME)), anyOf(componentVariants(registry))),
    requires: z.record(z.string().check(z.regex(NAME)), requirement),
    admin,
    log,
    shutdown,
  } satisfies Record<keyof typeof SECTIONS, z.core.$ZodType>
  const described = Object.entries(sections).map(([name, schema]) => [
    name,
    z.optional(schema).check(z.describe(SECTIONS[name as keyof typeof SECTIONS])),
  ])
  const emitted = emit(z.strictObject(Object.fromEntries(described)))
  return {
    ...(withVariables(emitted) as JsonSchema),
    title: 'Portolan configuration',
    $defs: { variable: VARIABLE },
  }
}

/** The same in parts, without variables: what all listeners have, what those of each protocol have, and so on. */
export function schemaParts({ protocols, backendKinds, componentKinds }: Registry): readonly SchemaPart[] {
  return [
    { section: 'listeners', schema: emit(listenerCommon) },
    ...protocols.map(({ name, options }) => part('listeners', options, { protocol: name })),
    { section: 'backends', schema: emit(backendCommon) },
    ...backendKinds.map(({ protocol, options }) => part('backends', options, { protocol })),
    { section: 'components', schema: emit(componentCommon) },
    ...componentKinds.map(({ api, type, options }) => part('components', options(), { api, type })),
    { section: 'requires', schema: emit(requirement) },
    { section: 'admin', schema: emit(admin) },
    { section: 'log', schema: emit(log) },
    { section: 'shutdown', schema: emit(shutdown) },
  ]
}

function part(
  section: keyof typeof SECTIONS,
  options: z.ZodMiniObject,
  only: Readonly<Record<string, string>>,
): SchemaPart {
  return { section, only, schema: emit(options) }
}

function componentVariants({ componentKinds }: Registry): readonly z.ZodMiniObject[] {
  return componentKinds.map(({ api, type, backend, options }) =>
    z.strictObject({
      api: z.literal(api).check(z.describe('The API that it serves.')),
      type: z.literal(type).check(z.describe('What it is built on.')),
      ...(backend !== undefined && {
        backend: z.string().check(z.describe(`The name of the ${backend} backend that it uses.`)),
      }),
      ...options().shape,
    }),
  )
}

function anyOf(variants: readonly z.ZodMiniObject[]) {
  const [first, ...rest] = variants
  return first ? z.union([first, ...rest]) : z.never()
}

/** The options of a protocol stand beside those that all have. */
function variant(common: z.ZodMiniObject, protocol: string, options: z.ZodMiniObject): z.ZodMiniObject {
  const word = z.literal(protocol).check(z.describe('What it speaks.'))
  return z.strictObject({ ...common.shape, protocol: word, ...options.shape })
}

function emit(schema: z.core.$ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    io: 'input',
    override: ({ jsonSchema }) => {
      // What every whole number is bounded by says nothing to a reader.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
    },
  })
}

const VARIABLE: JsonSchema = {
  type: 'string',
  pattern: '\\$\\{',
  description: 'Filled in from the environment: ${NAME} or ${NAME:-default}.',
}
const REFERENCE = { $ref: '#/$defs/variable' }

/** Wherever a scalar is not any text, the text of a variable is allowed as well. */
function withVariables(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(withVariables)
  if (typeof node !== 'object' || node === null) return node
  const schema = node as Record<string, unknown>
  const { title, description, default: preset, ...rest } = schema
  const notes = Object.fromEntries(Object.entries({ title, description, default: preset }).filter(([, note]) => note))
  if (Array.isArray(schema['anyOf']) && schema['anyOf'].every(isScalar)) {
    return { ...notes, ...rest, anyOf: [...schema['anyOf'], REFERENCE] }
  }
  if (isScalar(schema)) return isAnyText(schema) ? schema : { ...notes, anyOf: [rest, REFERENCE] }
  const kept = new Set(['default', 'propertyNames', 'required', 'description', 'title'])
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, kept.has(key) ? value : withVariables(value)]),
  )
}

function isScalar(schema: { readonly [key: string]: unknown }): boolean {
  return ['string', 'number', 'integer', 'boolean'].includes(String(schema['type']))
}

/** A constant is what tells the variants of a union apart, and is better taken literally by an editor. */
function isAnyText(schema: { readonly [key: string]: unknown }): boolean {
  return 'const' in schema || (schema['type'] === 'string' && !('pattern' in schema) && !('enum' in schema))
}
