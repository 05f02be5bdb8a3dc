import { afterEach, describe, expect, test, vi } from 'vitest'
import { Turn, Watch } from '../../src/net/index.ts'

/** Microseconds that a turn of the loop without events takes. */
const TURN_US = 1

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

/**
 * An event loop in simulated time, and a backend that answers after replyUs. `nextRequest` gives the time of the request
 * after the one sent then and answered then. Returns how many turns the loop makes in vain per request.
 */
function idleTurns(
  requests: number,
  replyUs: number,
  nextRequest: (sentUs: number, repliedUs: number) => number,
  { gathers }: { gathers: boolean },
): number {
  let nowUs = 0
  let vain = 0
  let immediates: (() => void)[] = []
  vi.stubGlobal('setImmediate', (callback: () => void) => immediates.push(callback))
  vi.spyOn(performance, 'now').mockImplementation(() => nowUs / 1000)
  const turn = new Turn()
  const watch = new Watch()
  const events: { at: number; act: () => void }[] = []
  let underWay = 0
  const send = (left: number) => {
    const sentUs = nowUs
    underWay++
    const flush = () => at(nowUs + replyUs, () => reply(left, sentUs))
    if (gathers) turn.request({ flush })
    else {
      watch.begin()
      flush()
    }
    // An open loop does not wait for the reply.
    if (nextRequest(sentUs, Number.NaN) > 0 && left > 1) at(nextRequest(sentUs, Number.NaN), () => send(left - 1))
  }
  const reply = (left: number, sentUs: number) => {
    if (--underWay === 0 && gathers) turn.settled()
    if (!gathers) watch.end()
    if (Number.isNaN(nextRequest(sentUs, Number.NaN)) && left > 1) at(nextRequest(sentUs, nowUs), () => send(left - 1))
  }
  const at = (time: number, act: () => void) => {
    events.push({ at: time, act })
    events.sort((a, b) => a.at - b.at)
  }
  at(0, () => send(requests))
  while (events.length > 0 || immediates.length > 0) {
    if (immediates.length === 0) nowUs = Math.max(nowUs, events[0]!.at)
    else nowUs += TURN_US
    const due = events.filter(event => event.at <= nowUs)
    if (due.length === 0) vain++
    for (const event of due) {
      events.splice(events.indexOf(event), 1)
      event.act()
    }
    const ready = immediates
    immediates = []
    for (const callback of ready) callback()
  }
  return vain / requests
}

describe.each([
  ['requests that are gathered', { gathers: true }],
  ['requests that leave as they come', { gathers: false }],
])('of %s', (_, how) => {
  test('polls for a client alone, that is all the time', () => {
    const perRequest = idleTurns(2000, 40, (_, repliedUs) => repliedUs + 30, how)
    expect(perRequest).toBeGreaterThan(60)
  })

  test('goes on polling when one request in four comes late', () => {
    let n = 0
    const perRequest = idleTurns(2000, 40, (_, repliedUs) => repliedUs + (n++ % 4 === 0 ? 300 : 30), how)
    expect(perRequest).toBeGreaterThan(60)
  })

  test.each([
    ['5,000 requests a second', 200],
    ['20,000 requests a second, one under way when the next comes', 50],
  ])('hardly polls for many clients: %s', (_, gapUs) => {
    expect(idleTurns(2000, 60, sentUs => sentUs + gapUs, how)).toBeLessThan(10)
  })

  test('hardly polls when the backend takes longer than a wake-up costs', () => {
    expect(idleTurns(2000, 500, (_, repliedUs) => repliedUs + 30, how)).toBeLessThan(10)
  })
})
