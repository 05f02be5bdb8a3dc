import { expect, it } from 'vitest'
import * as z from 'zod/mini'
import { address, described } from '../../src/config/index.ts'

it('describes the schema itself, not a copy', () => {
  const schema = z.string()
  expect(schema.apply(described('What it is.'))).toBe(schema)
  expect(z.toJSONSchema(schema)).toMatchObject({ type: 'string', description: 'What it is.' })
})

it('refuses a schema that stands elsewhere too, where its description would appear', () => {
  const shared = z.string().apply(described('One use.'))
  expect(() => shared.apply(described('Another use.'))).toThrow('Another use.')
  expect(() => address().apply(described('Where it is.'))).toThrow('shared')
})
