import { expect, test } from 'vitest'
import { LineBudget } from '../../src/observability/line-budget.ts'

test('gives so many lines between two sweeps, and tells how many got none', () => {
  const lines = new LineBudget(2)
  expect([lines.take(), lines.take(), lines.take(), lines.take()]).toEqual([true, true, false, false])
  expect(lines.renew()).toBe(2)
  expect(lines.renew()).toBe(0)
  expect(lines.take()).toBe(true)
})
