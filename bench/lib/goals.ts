/** Compares results with a suite's goals. */

import { formatMetric } from './metrics.ts'
import type { Results } from './results.ts'
import type { Goal } from './suite.ts'

export interface Verdict {
  readonly goal: Goal
  readonly value: number | undefined
  readonly state: 'pass' | 'fail' | 'not measured'
}

/** One verdict per goal, in order. */
export function judge(goals: readonly Goal[], results: Results): Verdict[] {
  return goals.map(goal => {
    const value = measuredFor(goal, results)
    if (value === undefined) return { goal, value, state: 'not measured' }
    const kept =
      value <= (goal.atMost ?? Number.POSITIVE_INFINITY) && value >= (goal.atLeast ?? Number.NEGATIVE_INFINITY)
    return { goal, value, state: kept ? 'pass' : 'fail' }
  })
}

function measuredFor({ row, of, metric, against, minus }: Goal, results: Results): number | undefined {
  if (minus !== undefined) return results.difference(row, of, minus, metric)
  return against === undefined ? results.median(row, of, metric) : results.ratio(row, of, against, metric)
}

/** The measured value as it is shown: a ratio with two digits, else with the metric's own. */
export function formatVerdict({ goal, value }: Verdict): string {
  if (value === undefined) return '-'
  return goal.against === undefined ? formatMetric(goal.metric, value) : value.toFixed(2)
}

/** "<= 1.00" or ">= 0.90". */
export function formatBound({ atMost, atLeast, against, metric }: Goal): string {
  const show = (bound: number) => (against === undefined ? formatMetric(metric, bound) : bound.toFixed(2))
  return atMost !== undefined ? `<= ${show(atMost)}` : `>= ${show(atLeast ?? 0)}`
}
