/**
 * What the conformance suites share. A suite is a list of cases; each names the features that it proves and is left out
 * for a store that does not list them. faked.test.ts shows that a feature which is only claimed does not pass.
 */
import { describe, expect, test } from 'vitest'
import { ApiError, type ApiErrorCode, type ApiName, type FeatureId, type Stores } from '../../src/apis/index.ts'

/** What is examined. */
export interface Subject<Api extends ApiName> {
  /** What it claims to do; the features of its kind as a rule. */
  readonly features: readonly FeatureId[]
  /** A store of its own each time, of the same data. The suite closes it. */
  open(): Promise<Stores[Api]>
  /** Takes the server away and brings it back with its data. */
  readonly restart?: { stop(): Promise<void>; start(): Promise<void> }
  /** How long a case waits for what has to happen, 10 s unless said. */
  readonly patienceMs?: number
}

export interface Case<Api extends ApiName, S extends Subject<Api>> {
  readonly title: string
  /** Features without which it is left out. */
  readonly needs: readonly FeatureId[]
  /** Features with which it is left out: it shows that they are absent. */
  readonly lacks?: readonly FeatureId[]
  /** Takes the server away. */
  readonly outage?: true
  run(bench: Bench<Api, S>): Promise<void>
}

/** Registers the cases that concern the subject. */
export function register<Api extends ApiName, S extends Subject<Api>>(
  api: Api,
  cases: readonly Case<Api, S>[],
  subject: S,
): void {
  describe(`${api} conformance`, () => {
    for (const each of cases) if (concerns(each, subject)) test(each.title, () => examine(each, subject))
  })
}

export function concerns<Api extends ApiName, S extends Subject<Api>>(each: Case<Api, S>, subject: S): boolean {
  if (each.outage && !subject.restart) return false
  const has = (feature: FeatureId) => subject.features.includes(feature)
  return each.needs.every(has) && !each.lacks?.some(has)
}

/** Runs one case; rejects when the subject does not pass. */
export async function examine<Api extends ApiName, S extends Subject<Api>>(
  each: Case<Api, S>,
  subject: S,
): Promise<void> {
  const bench = new Bench<Api, S>(subject)
  try {
    await bench.open()
    await each.run(bench)
  } finally {
    await bench.clear()
  }
}

let names = 0

export class Bench<Api extends ApiName, S extends Subject<Api>> {
  readonly subject: S
  readonly #stores: Stores[Api][] = []
  readonly #clearings: (() => unknown)[] = []

  constructor(subject: S) {
    this.subject = subject
  }

  /** The first store. */
  get store(): Stores[Api] {
    return this.#stores[0]!
  }

  /** Another store of the same data. */
  async open(): Promise<Stores[Api]> {
    const store = await this.subject.open()
    this.#stores.push(store)
    return store
  }

  has(feature: FeatureId): boolean {
    return this.subject.features.includes(feature)
  }

  /** A name that nobody else uses. */
  name(hint: string): string {
    names++
    return `${hint}-${process.pid}-${names}-${Math.random().toString(36).slice(2, 8)}`
  }

  /** To be done when the case is over, however it ends. */
  afterwards(clear: () => unknown): void {
    this.#clearings.push(clear)
  }

  /** Asks until the answer is neither false nor undefined, and returns it. A rejection is an answer like undefined. */
  async eventually<T>(what: string, ask: () => T | Promise<T>): Promise<Exclude<T, false | undefined>> {
    const deadline = performance.now() + (this.subject.patienceMs ?? 10_000)
    for (let last: unknown; ; ) {
      try {
        const answer = await ask()
        if (answer !== false && answer !== undefined) return answer as Exclude<T, false | undefined>
      } catch (error) {
        last = error
      }
      if (performance.now() > deadline) throw new Error(`never came: ${what}`, { cause: last })
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }

  /** The server is away meanwhile. */
  async outage(meanwhile: () => Promise<void>): Promise<void> {
    const { stop, start } = this.subject.restart!
    await stop()
    try {
      await meanwhile()
    } finally {
      await start()
    }
  }

  async clear(): Promise<void> {
    for (const clear of this.#clearings.reverse()) await clear()
    await Promise.all(this.#stores.map(store => store.close()))
  }
}

/** Passes when the call is rejected with an ApiError of one of the codes. */
export async function expectRefusal(call: Promise<unknown>, ...codes: ApiErrorCode[]): Promise<void> {
  const error = await call.then(
    answer => expect.fail(`was not refused but answered ${String(answer)}`),
    (reason: unknown) => reason,
  )
  if (!(error instanceof ApiError)) throw error
  expect(codes, error.message).toContain(error.code)
}

/** Resolves some milliseconds later: only for what is said to last a time, never to wait for something to happen. */
export function passing(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

/** Names which stores like to trip over: separators of theirs, blanks, patterns, other scripts, length. */
export const ODD_NAMES: readonly string[] = [
  'with space',
  'a||b',
  '||',
  'slash/in/it',
  '/leading/and/trailing/',
  'dots.in.it',
  '..',
  'glob*?[a]',
  '50%_off',
  'colon:{tag}',
  'quote\'"\\`$(x)',
  'Grüße-日本語-🚀',
  `long-${'x'.repeat(200)}`,
]
