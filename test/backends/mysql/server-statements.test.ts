/** Which of the statements prepared on a connection are found, and which make room. */
import { describe, expect, test } from 'vitest'
import { type ServerStatement, ServerStatements } from '../../../src/backends/mysql/server-statements.ts'

const statement = (key: string, held = false): ServerStatement => {
  const facts = { id: 1, parameters: 0, answer: null, types: null, epoch: 0 }
  return { key, held, ...facts, table: null, wasUsed: false }
}

const addAll = (table: ServerStatements, ...keys: string[]): string[] =>
  keys.flatMap(key => table.add(statement(key), false)).map(({ key }) => key)

describe('room', () => {
  test('is made by those that were not used since it was last looked for', () => {
    const table = new ServerStatements(3)
    expect(addAll(table, 'a', 'b', 'c')).toEqual([])
    table.get('a')
    expect(addAll(table, 'd')).toEqual(['b'])
    expect(addAll(table, 'e')).toEqual(['c'])
    table.get('d')
    expect(addAll(table, 'f', 'g')).toEqual(['a', 'e'])
    expect(table.size).toBe(3)
    expect(table.get('d')).toBeDefined()
  })

  test('is made although all were used', () => {
    const table = new ServerStatements(2)
    addAll(table, 'a', 'b')
    table.get('a')
    table.get('b')
    expect(addAll(table, 'c')).toEqual(['a'])
  })

  test('is not made by what is in use, nor by the new one', () => {
    const table = new ServerStatements(1)
    table.add(statement('a', true), false)
    expect(table.add(statement('b', true), true)).toEqual([])
    expect(table.add(statement('c'), true)).toEqual([])
    expect(table.add(statement('d'), true).map(({ key }) => key)).toEqual(['c'])
    expect(table.takeAll(true).map(({ key }) => key)).toEqual(['d'])
    expect(table.size).toBe(2)
  })
})

describe('where a client has found its statement before', () => {
  test('it is found again, until it is closed there', () => {
    const table = new ServerStatements(9)
    for (const end of [
      (found: ServerStatement) => table.delete(found),
      () => table.takeAll(false),
      () => table.clear(),
      () => table.add(statement('a'), false),
    ]) {
      const found = statement('a')
      table.add(found, false)
      expect(table.get('a', found)).toBe(found)
      end(found)
      expect(table.get('a', found)).not.toBe(found)
      table.clear()
    }
  })

  test('it is not found on another connection, which may have its like', () => {
    const [here, there] = [new ServerStatements(9), new ServerStatements(9)]
    const found = statement('a')
    here.add(found, false)
    expect(there.get('a', found)).toBeUndefined()
    const like = statement('a')
    there.add(like, false)
    expect(there.get('a', found)).toBe(like)
    there.delete(found)
    expect(here.get('a', found)).toBe(found)
  })
})
