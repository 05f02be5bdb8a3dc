/**
 * Writes the tables of options, metrics and provider profiles into README.md, between `<!-- options:start -->` and
 * `<!-- options:end -->` and so on, from the schemas and tables themselves. With --check it only compares, and fails
 * when the file is out of date. Another file may be named as the last argument.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import * as esbuild from 'esbuild'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

const SOURCES = `
export { protocols } from './listeners/index.ts'
export { backendKinds } from './src/backends/index.ts'
export { componentKinds } from './src/components/index.ts'
export { PROFILES } from './src/backends/s3/profiles/table.ts'
export { CLOUDS, TRUST, TRUST_AS_OF, TRUST_SOURCE, TRUSTED_FROM, trustOf } from './src/features/trust.ts'
export { FEATURES } from './src/apis/index.ts'
export { featuresOf } from './src/component.ts'
export { schemaParts } from './src/config/index.ts'
export { FAMILIES } from './src/observability/families.ts'
`

/** The modules above, bundled from TypeScript as they are now. */
async function load() {
  // Inside node_modules, so that packages are found, and nobody commits it.
  const folder = join(ROOT, 'node_modules/.cache')
  const file = join(folder, `portolan-docs-${process.pid}.mjs`)
  const { outputFiles } = await esbuild.build({
    stdin: { contents: SOURCES, resolveDir: ROOT, loader: 'ts' },
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    packages: 'external',
    write: false,
    logLevel: 'error',
  })
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, outputFiles[0].contents)
  try {
    return await import(pathToFileURL(file).href)
  } finally {
    rmSync(file)
  }
}

function optionTables(parts) {
  return parts.map(part => `#### ${headingOf(part)}\n\n${optionTable(part.schema)}`).join('\n\n')
}

function headingOf({ section, only }) {
  const facts = Object.entries(only ?? {}).map(([key, value]) => `\`${key}: ${value}\``)
  if (facts.length > 0) return `\`${section}.<name>\` with ${facts.join(', ')}`
  return ['listeners', 'backends', 'components', 'requires'].includes(section)
    ? `\`${section}.<name>\``
    : `\`${section}\``
}

function optionTable(schema) {
  const lines = [...rowsOf(schema, '')].map(row => `| ${row.map(cell).join(' | ')} |`)
  if (lines.length === 0) return 'No options of its own.'
  return ['| Option | Type | Default | Meaning |', '|---|---|---|---|', ...lines].join('\n')
}

/** A row for each option, and for each option inside it: `tls.ca`, `users[].name`. */
function* rowsOf(schema, prefix) {
  for (const [name, option] of Object.entries(schema.properties ?? {})) {
    const required = schema.required?.includes(name) ?? false
    yield [`\`${prefix}${name}\``, typeOf(option), presetOf(option, required), option.description ?? '']
    yield* insideOf(option, `${prefix}${name}`)
  }
}

function* insideOf(option, path) {
  // How a secret is given is told once, not at every password.
  if (option.title) return
  if (option.properties) yield* rowsOf(option, `${path}.`)
  else if (option.items) yield* insideOf(option.items, `${path}[]`)
  else if (typeof option.additionalProperties === 'object')
    yield* insideOf(option.additionalProperties, `${path}.<name>`)
  for (const variant of option.anyOf ?? option.oneOf ?? []) yield* insideOf(variant, path)
}

function typeOf(option) {
  if (option.title) return option.title
  if ('const' in option) return `\`${option.const}\``
  if (option.enum) return option.enum.map(word => `\`${word}\``).join(', ')
  const variants = option.anyOf ?? option.oneOf
  if (variants) return [...new Set(variants.map(typeOf))].join(' or ')
  switch (option.type) {
    case 'array':
      return `list of ${typeOf(option.items)}`
    case 'object':
      return typeof option.additionalProperties === 'object' ? `map of ${typeOf(option.additionalProperties)}` : 'map'
    case 'boolean':
      return '`true`, `false`'
    case 'integer':
    case 'number':
      return `${option.type === 'integer' ? 'whole number' : 'number'}${rangeOf(option)}`
    case undefined:
      return 'anything'
    default:
      return 'text'
  }
}

function rangeOf({ minimum, maximum, exclusiveMinimum }) {
  if (minimum !== undefined && maximum !== undefined) return `, ${minimum} to ${maximum}`
  if (minimum !== undefined) return `, at least ${minimum}`
  if (exclusiveMinimum !== undefined)
    return `, more than ${exclusiveMinimum}${maximum === undefined ? '' : ` to ${maximum}`}`
  return maximum === undefined ? '' : `, at most ${maximum}`
}

function presetOf(option, required) {
  if (required) return 'required'
  const preset = option.default
  // The presets inside a map stand in rows of their own.
  if (preset === undefined || (typeof preset === 'object' && !Array.isArray(preset))) return ''
  return `\`${typeof preset === 'string' ? preset : JSON.stringify(preset)}\``
}

function metricTable(families) {
  const lines = Object.entries(families).map(([name, { type, labels, help }]) => {
    const row = [`\`${name}\``, type, labels.map(label => `\`${label}\``).join(', '), help]
    return `| ${row.map(cell).join(' | ')} |`
  })
  return ['| Metric | Type | Labels | Meaning |', '|---|---|---|---|', ...lines].join('\n')
}

/** What a reader can choose by; the rest is in the table that this comes from. */
function profileTable(profiles) {
  const lines = [...profiles.values()].map(({ name, title, asOf, addressing, checksums, trailers, lacks, sources }) => {
    const takes = [...checksums, ...(trailers ? ['trailers'] : [])].join(', ') || 'none'
    return `| ${[`\`${name}\``, title, addressing, takes, lacks.join(', '), asOf, sources.join('; ')].map(cell).join(' | ')} |`
  })
  const head = [
    '| Profile | Service | Addressing | Checksums | Lacks | As of | Sources |',
    '|---|---|---|---|---|---|---|',
  ]
  return [...head, ...lines].join('\n')
}

/** Clouds that offer each protocol: for a cloud its mark, the resource as the title that a reader finds in the data. */
function trustTable({ CLOUDS, TRUST, TRUST_AS_OF, TRUST_SOURCE, TRUSTED_FROM, trustOf }) {
  const lines = TRUST.map(entry => {
    const marks = CLOUDS.map(cloud => (entry.services[cloud] ? '●' : ''))
    const k = trustOf(entry)
    return `| ${[entry.protocol, ...marks, `${k}${k >= TRUSTED_FROM ? '' : ' (private)'}`, entry.served].map(cell).join(' | ')} |`
  })
  const head = [
    `| Protocol | ${CLOUDS.join(' | ')} | k | Served by |`,
    `|---|${CLOUDS.map(() => '---|').join('')}---|---|`,
  ]
  return [
    ...head,
    ...lines,
    '',
    `As of ${TRUST_AS_OF}, by the ${TRUST_SOURCE}; the resources are in src/features/trust.ts.`,
  ].join('\n')
}

/** A table for each API: which type of component has which feature. */
function featureTables(apis, kinds, featuresOf) {
  return Object.entries(apis)
    .map(([api, features]) => {
      const types = kinds.filter(kind => kind.api === api)
      if (types.length === 0) return ''
      const head = `| Feature | ${types.map(({ type }) => type).join(' | ')} | Meaning |`
      const lines = Object.entries(features).map(([id, meaning]) => {
        const marks = types.map(kind => (featuresOf(kind).includes(id) ? '●' : ''))
        return `| \`${id}\` | ${marks.join(' | ')} | ${cell(meaning)} |`
      })
      return [head, `|---|${types.map(() => '---|').join('')}---|`, ...lines].join('\n')
    })
    .filter(Boolean)
    .join('\n\n')
}

function cell(text) {
  return text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ')
}

/** The text with what is between the markers replaced; undefined when they are missing. */
function withPart(text, name, content) {
  const [start, end] = [`<!-- ${name}:start -->`, `<!-- ${name}:end -->`]
  const [from, to] = [text.indexOf(start), text.indexOf(end)]
  if (from < 0 || to < from) return undefined
  return `${text.slice(0, from + start.length)}\n${content}\n${text.slice(to)}`
}

const args = process.argv.slice(2)
const checking = args.includes('--check')
const path = args.find(arg => !arg.startsWith('--')) ?? join(ROOT, 'README.md')
const shown = relative(process.cwd(), path)

const { protocols, backendKinds, componentKinds, schemaParts, FAMILIES, FEATURES, featuresOf, PROFILES, ...trust } =
  await load()
const parts = {
  options: optionTables(schemaParts({ protocols, backendKinds, componentKinds })),
  metrics: metricTable(FAMILIES),
  profiles: profileTable(PROFILES),
  trust: trustTable(trust),
  features: featureTables(FEATURES, componentKinds, featuresOf),
}
const before = readFileSync(path, 'utf8')
let after = before
for (const [name, content] of Object.entries(parts)) {
  const next = withPart(after, name, content)
  if (next === undefined) {
    console.error(`${shown} has no place for the ${name}: <!-- ${name}:start --> and <!-- ${name}:end -->`)
    process.exit(1)
  }
  after = next
}
if (checking && after !== before) {
  console.error(`${shown} is out of date; run: node scripts/docs.mjs`)
  process.exit(1)
}
if (!checking) writeFileSync(path, after)
