/** When an endpoint is left alone, and for how long. */
import { beforeEach, expect, test } from 'vitest'
import { Circuit } from '../../src/net/index.ts'
import { ManualClock } from '../support/manual-clock.ts'

let clock: ManualClock
let circuit: Circuit
beforeEach(() => {
  clock = new ManualClock()
  circuit = new Circuit(clock)
})

function fail(times = 1): void {
  for (let i = 0; i < times; i++) {
    circuit.begin()
    circuit.failed()
  }
}

test('opens after five failures in a row, not after five in all', () => {
  fail(4)
  circuit.begin()
  circuit.succeeded()
  fail(4)
  expect(circuit.allows).toBe(true)
  fail()
  expect(circuit.allows).toBe(false)
  expect(circuit.isOpen).toBe(true)
})

test('lets one attempt through when its time is over', () => {
  fail(5)
  clock.advance(1_000)
  expect(circuit.allows).toBe(true)
  circuit.begin()
  expect(circuit.allows).toBe(false)
  circuit.succeeded()
  expect(circuit.allows).toBe(true)
  expect(circuit.isOpen).toBe(false)
})

test('stays open twice as long each time, 30 s at most, with jitter down to a half', () => {
  fail(5)
  for (const longest of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
    clock.advance(longest / 2 - 1)
    expect(circuit.allows).toBe(false)
    clock.advance(longest / 2 + 1)
    expect(circuit.allows).toBe(true)
    fail()
  }
})

test('an abandoned attempt lets the next one through', () => {
  fail(5)
  clock.advance(1_000)
  circuit.begin()
  circuit.abandoned()
  expect(circuit.allows).toBe(true)
})

test('failures of attempts that were under way when it opened change nothing', () => {
  for (let i = 0; i < 8; i++) circuit.begin()
  for (let i = 0; i < 8; i++) circuit.failed()
  clock.advance(1_000)
  expect(circuit.allows).toBe(true)
})

test('a success begins the waiting times anew', () => {
  fail(5)
  clock.advance(1_000)
  fail()
  clock.advance(2_000)
  circuit.begin()
  circuit.succeeded()
  fail(5)
  clock.advance(1_000)
  expect(circuit.allows).toBe(true)
})

test('may wait before it opens too, twice as long each time', () => {
  circuit = new Circuit(clock, 100)
  for (const longest of [100, 200, 400, 800, 1_000]) {
    fail()
    expect(circuit.waitMs).toBeGreaterThanOrEqual(longest / 2)
    expect(circuit.waitMs).toBeLessThanOrEqual(longest)
    clock.advance(longest)
    expect(circuit.waitMs).toBe(0)
  }
  expect(circuit.isOpen).toBe(true)
})

test('an attempt that was decided on before it opened, and fails after, does not keep the next one back', () => {
  fail(5)
  circuit.begin()
  circuit.failed()
  expect(circuit.allows).toBe(false)
  clock.advance(1_000)
  expect(circuit.allows).toBe(true)
})
