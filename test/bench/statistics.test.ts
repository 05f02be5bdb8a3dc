import { describe, expect, test } from 'vitest'
import { Histogram } from '../../bench/lib/histogram.ts'
import { median, pairedRatio, spread } from '../../bench/lib/statistics.ts'

describe('median', () => {
  test.each([
    [[3], 3],
    [[5, 1, 3], 3],
    [[4, 1, 3, 2], 2.5],
    [[10, 9, 100], 10],
  ])('%j is %d', (values, expected) => {
    expect(median(values)).toBe(expected)
  })

  test('of nothing is NaN', () => {
    expect(median([])).toBeNaN()
  })

  test('leaves its argument alone', () => {
    const values = [3, 1, 2]
    median(values)
    expect(values).toEqual([3, 1, 2])
  })
})

test('spread is the range as a share of the median', () => {
  expect(spread([9, 10, 12])).toBeCloseTo(0.3)
})

describe('pairedRatio', () => {
  test('forms the ratio within each repetition, so a common drift cancels out', () => {
    expect(pairedRatio([10, 20, 40], [20, 40, 80])).toBe(0.5)
  })

  test('leaves out repetitions that lack one of the two', () => {
    expect(pairedRatio([1, undefined, 3], [2, 2, undefined])).toBe(0.5)
    expect(pairedRatio([undefined], [1])).toBeUndefined()
    expect(pairedRatio([1], [0])).toBeUndefined()
  })
})

describe('Histogram', () => {
  test('is exact for small values', () => {
    const histogram = new Histogram()
    for (let value = 1; value <= 200; value++) histogram.record(value)
    expect(histogram.quantile(0.5)).toBe(100)
    expect(histogram.quantile(0.99)).toBe(198)
    expect(histogram.quantile(1)).toBe(200)
    expect(histogram.count).toBe(200)
  })

  test.each([255, 256, 257, 511, 512, 1000, 65_535, 65_536, 1_234_567, 2 ** 31, 2 ** 32 - 1])(
    'keeps %d to within 0.8 per cent, never below it',
    value => {
      const histogram = new Histogram()
      histogram.record(value)
      histogram.record(2 ** 32 - 1)
      expect(histogram.quantile(0.5)).toBeGreaterThanOrEqual(value)
      expect(histogram.quantile(0.5)).toBeLessThanOrEqual(value * 1.008)
    },
  )

  test('orders values across bucket boundaries', () => {
    let last = 0
    for (let value = 1; value < 2 ** 32; value = Math.ceil(value * 1.01) + 1) {
      const histogram = new Histogram()
      histogram.record(value)
      histogram.record(2 ** 32 - 1)
      const kept = histogram.quantile(0.5)
      expect(kept).toBeGreaterThanOrEqual(last)
      last = kept
    }
  })

  test('never reports more than the largest value', () => {
    const histogram = new Histogram()
    histogram.record(1000)
    expect(histogram.quantile(0.999)).toBe(1000)
    expect(histogram.max).toBe(1000)
  })

  test('is 0 when empty and cuts off what is out of range', () => {
    const histogram = new Histogram()
    expect(histogram.quantile(0.5)).toBe(0)
    histogram.record(-5)
    histogram.record(2 ** 40)
    expect(histogram.quantile(0.5)).toBe(0)
    expect(histogram.max).toBe(2 ** 32 - 1)
  })
})
