/** The emitted JSON Schema, judged by a validator of others: what loads must pass, what is misspelt must not. */
import { readdirSync, readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { jsonSchema, schemaParts } from '../../src/config/index.ts'
import { fakes } from './fakes.ts'

const schema = jsonSchema(fakes)
const validate = new Ajv2020({ strict: true, strictTypes: false, discriminator: false }).compile(schema)

function read(file: string): unknown {
  return parse(readFileSync(`test/golden/config/${file}`, 'utf8')) ?? {}
}

describe('the JSON Schema', () => {
  // Of two files that are merged neither has all that is required; and no schema knows what a variable holds.
  const partial = ['merged.2.yaml', 'variable-protocol.yaml']
  const files = readdirSync('test/golden/config/good').filter(file => file.endsWith('.yaml'))
  it.each(files.filter(file => !partial.includes(file)))('accepts %s', file => {
    validate(read(`good/${file}`))
    expect(validate.errors ?? []).toEqual([])
  })

  it.each([
    'unknown-protocol',
    'unknown-keys',
    'missing',
    'durations',
    'addresses',
    'types',
    'ranges',
    'words',
    'secrets',
    'unions',
    'sections-wrong',
    'top-level-list',
  ])('refuses %s', name => expect(validate(read(`bad/${name}.yaml`))).toBe(false))

  it('names its dialect', () => expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema'))

  it('comes in parts for the documentation, each with types, presets and reasons', () => {
    const parts = schemaParts(fakes)
    expect(parts.map(({ section, only = {} }) => [section, ...Object.values(only)].join(' '))).toEqual([
      'listeners',
      'listeners cache',
      'listeners relay',
      'listeners echo',
      'backends',
      'backends cache',
      'backends relay',
      'components',
      'requires',
      'admin',
      'log',
      'shutdown',
    ])
    expect(parts[0]?.schema.required).toEqual(['protocol', 'address'])
    expect(parts[1]?.schema.properties?.['idleTimeout']).toMatchObject({
      title: 'duration',
      default: '5m',
      description: 'Closes a connection that was silent for so long.',
    })
  })
})
