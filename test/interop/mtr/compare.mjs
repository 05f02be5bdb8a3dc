// MariaDB's mtr main suite, direct and through a proxy, test by test: each that passes directly must pass through it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { Unavailable } from '../lib/cache.mjs'
import { readExceptions } from '../lib/exceptions.mjs'
import { runTest } from './run-test.mjs'
import { startServers } from './servers.mjs'
import { baselineFile, QUICK, suiteTests, suiteVersion, testFacts } from './suite.mjs'

/** Directly; through a proxy a test may take twice as long, as two run at the same time. */
const TIMEOUT_MS = 60_000
const LANES = 2

/** Runs the tests (all without `files`) and returns those lost and not excepted. */
export async function compareMtr({ through, mode, pooling, files, fresh, quick, print }) {
  const version = suiteVersion()
  const wanted = (files ?? suiteTests().filter(name => !quick || QUICK.test(name))).map(name => [name, testFacts(name)])
  // Those that want settings of their own of the server last, alike ones together.
  wanted.sort(([, a], [, b]) => a.settings.length - b.settings.length || (settingsOf(a) < settingsOf(b) ? -1 : 1))
  const baseline = new Baseline(baselineFile(version, mode), fresh)
  const exceptionOf = readExceptions()
  const run = { version, mode, pooling }
  const counts = { direct: 0, through: 0 }
  const lost = []
  print(`MariaDB ${version}'s mtr main suite, ${mode}, through ${through}${pooling ? ` (${pooling} pooling)` : ''}`)

  const compare = async (lane, name, facts) => {
    const direct = baseline.get(name) ?? baseline.set(name, await lane.direct.run(facts))
    if (direct.verdict !== 'passed') return
    counts.direct++
    const excepted = exceptionOf(`mtr ${mode}`, name) ?? exceptionOf('mtr', name)
    const result = await lane.through.run(facts, { isFinal: excepted !== undefined })
    if (result.verdict === 'passed') {
      counts.through++
      if (result.again) print(`${name}: unsteady`)
      return
    }
    if (excepted) return print(`${name}: excepted (${excepted})`)
    print(`${name}: LOST, ${result.verdict} after ${result.seconds} s\n${indent(result.why ?? '')}`)
    lost.push(name)
  }

  const queue = wanted[Symbol.iterator]()
  const work = async () => {
    const lane = { direct: new Lane('direct', TIMEOUT_MS, run), through: new Lane(through, 2 * TIMEOUT_MS, run) }
    try {
      for (const [name, facts] of queue) await compare(lane, name, facts)
    } finally {
      await lane.direct.stop()
      await lane.through.stop()
    }
  }
  await Promise.all(Array.from({ length: LANES }, work))
  if (counts.direct === 0) throw new Unavailable('it passes nothing directly')
  print(
    `${counts.direct} of ${wanted.length} tests pass directly, ${counts.through} through ${through}; ${lost.length} lost`,
  )
  return lost
}

/** A server, and perhaps a proxy, that is used for test after test and replaced when one has left it in doubt. */
class Lane {
  #through
  #timeoutMs
  #run
  #servers
  #settings
  constructor(through, timeoutMs, run) {
    this.#through = through
    this.#timeoutMs = timeoutMs
    this.#run = run
  }
  /** What fails is run once more on fresh servers: time, and what tests before have left, are no fault of its. */
  async run(facts, { isFinal = false } = {}) {
    const first = await this.#once(facts)
    if (first.verdict === 'passed' || first.verdict === 'skipped' || isFinal) return first
    const second = await this.#once(facts)
    return { ...second, again: true }
  }
  async #once(facts) {
    const settings = settingsOf(facts)
    if (!this.#servers?.alive() || settings !== this.#settings) await this.stop()
    try {
      this.#servers ??= await startServers({ ...facts, ...this.#run, through: this.#through })
    } catch (error) {
      return { verdict: 'failed', why: error.message, seconds: 0 }
    }
    this.#settings = settings
    const result = await runTest(this.#servers, facts, { mode: this.#run.mode, timeoutMs: this.#timeoutMs })
    if (!this.#servers.alive()) result.why = `${result.why}\na server ended: ${this.#servers.log().slice(-1_000)}`
    // A test that passes leaves nothing behind; mysql-test-run.pl sees to that.
    if (result.verdict !== 'passed') await this.stop()
    return result
  }
  async stop() {
    await this.#servers?.stop()
    this.#servers = undefined
  }
}

class Baseline {
  #path
  #tests
  /** Those of former runs are not taken; they stay for later ones. */
  #fresh
  #made = new Set()
  constructor(path, fresh) {
    this.#path = path
    this.#fresh = fresh
    this.#tests = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {}
  }
  get(name) {
    return this.#isStale(name) ? undefined : this.#tests[name]
  }
  #isStale(name) {
    return this.#fresh && !this.#made.has(name)
  }
  set(name, result) {
    this.#made.add(name)
    this.#tests[name] = result
    writeFileSync(this.#path, JSON.stringify(this.#tests, null, 1))
    return result
  }
}

const settingsOf = ({ settings, timezone }) => [...settings, timezone].join(' ')
const indent = text => text.replace(/^/gm, '      ')
