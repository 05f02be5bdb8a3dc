import { expect, it } from 'vitest'
import * as z from 'zod/mini'
import { described } from '../../src/config/index.ts'

it('describes the schema itself, not a copy', () => {
  const schema = z.string()
  expect(schema.apply(described('What it is.'))).toBe(schema)
  expect(z.toJSONSchema(schema)).toMatchObject({ type: 'string', description: 'What it is.' })
})

it('refuses a schema that is described already: it stands elsewhere too, where this description would appear', () => {
  const shared = z.string().apply(described('One use.'))
  expect(() => shared.apply(described('Another use.'))).toThrow('Another use.')
})
