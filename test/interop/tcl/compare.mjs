// Redis's Tcl suite, direct and through a proxy, file by file: every case that passes directly must pass through it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { Unavailable } from '../lib/cache.mjs'
import { readExceptions } from '../lib/exceptions.mjs'
import { startTarget } from '../lib/target.mjs'
import { runSuiteFile } from './run-file.mjs'
import { baselineFile, prepareSuite, suiteFiles } from './suite.mjs'

// Its cases redirect invalidations to a RESP2 connection and hang when there is none, whoever serves them.
const NOT_IN_RESP3 = ['unit/tracking']

// Nearly half of the time, spent in the suite's own client, for the encodings of Redis's data types.
const LONG = ['unit/dump', 'unit/geo', 'unit/hyperloglog', 'unit/type/list-3']

/** Runs the files (all without `files`) and returns the number of cases lost and not excepted. */
export async function compareTcl({ through, resp, files, tags, only, fresh, quick, print }) {
  const suite = prepareSuite(resp)
  const left = [...(resp === 3 ? NOT_IN_RESP3 : []), ...(quick ? LONG : [])]
  const wanted = files ?? suiteFiles(suite).filter(file => !left.includes(file))
  const baseline = new Baseline(baselineFile(suite, resp, tags), fresh || only !== undefined)
  const exceptionOf = readExceptions()
  const lane = { direct: new Lane('direct', suite), through: new Lane(through, suite) }
  const run = { tags, only }
  const lost = []
  let passedDirect = 0
  let passedThrough = 0
  print(`Redis ${suite.version}'s Tcl suite, RESP${resp}, tags ${tags}, through ${through}`)
  try {
    const report = (file, missing) => {
      const unrun = []
      for (const { name, why } of missing) {
        const excepted = exceptionOf(`tcl resp${resp}`, name) ?? exceptionOf('tcl', name)
        if (excepted) print(`  excepted (${excepted}): ${name}`)
        else if (why === undefined) unrun.push(name)
        else print(`  LOST: ${name}\n${indent(why)}`)
        if (!excepted) lost.push({ file, name, why })
      }
      if (unrun.length > 0) print(`  LOST, ${unrun.length} that did not run: ${unrun.join(', ')}`)
    }
    for (const file of wanted) {
      const [direct, first] = await Promise.all([
        baseline.get(file) ?? lane.direct.run(file, run).then(result => baseline.set(file, result)),
        lane.through.run(file, run),
      ])
      if (count(direct.passed) === 0 && count(first.passed) === 0 && Object.keys(first.failed).length === 0) continue
      let missing = difference(direct, first)
      let unsteady = []
      if (missing.length > 0) {
        // Cases that depend on time fail now and then on a busy machine: only what is lost twice is lost.
        await lane.through.restart()
        const again = difference(direct, await lane.through.run(file, { ...run, skip: first.skipped }))
        const names = new Set(again.map(one => one.name))
        unsteady = missing.filter(one => !names.has(one.name))
        missing = again.map(one => (first.skipped.includes(one.name) ? { ...one, why: 'it hangs' } : one))
        // What a case has left behind when it failed is no fault of the next file.
        if (missing.length > 0) await lane.through.restart()
      }
      passedDirect += count(direct.passed)
      passedThrough += count(first.passed)
      print(`${file}: ${count(direct.passed)} direct, ${count(first.passed)} through (${first.seconds} s)`)
      for (const trouble of direct.trouble) print(`  direct: ${trouble}`)
      for (const trouble of first.trouble) print(`  through: ${trouble}`)
      for (const { name } of unsteady) print(`  unsteady: ${name}`)
      report(file, missing)
    }
  } finally {
    await lane.direct.stop()
    await lane.through.stop()
  }
  if (passedDirect === 0) throw new Unavailable('it passes nothing directly')
  print(`${passedDirect} cases pass directly, ${passedThrough} through ${through}; ${lost.length} lost`)
  return lost
}

/** A server, and perhaps a proxy, that is used for file after file and replaced when a file has left it in doubt. */
class Lane {
  #through
  #suite
  #target
  constructor(through, suite) {
    this.#through = through
    this.#suite = suite
  }
  /** A case that hangs costs the others of its file nothing: the file is run again without it. */
  async run(file, options) {
    const skip = [...(options.skip ?? [])]
    const trouble = []
    for (;;) {
      this.#target ??= await startTarget(this.#through)
      const target = this.#target
      const { host, port } = target
      const result = await runSuiteFile(this.#suite, file, { ...options, host, port, skip })
      if (!target.alive()) result.trouble.push(`a server ended: ${target.log().slice(-1_000)}`)
      if (result.trouble.length > 0) await this.restart()
      trouble.push(...result.trouble)
      if (result.stuck === undefined || skip.includes(result.stuck) || skip.length === 10) {
        return { ...result, trouble, skipped: skip }
      }
      skip.push(result.stuck)
    }
  }
  async restart() {
    await this.#target?.stop()
    this.#target = undefined
  }
  stop() {
    return this.restart()
  }
}

class Baseline {
  #path
  #files
  constructor(path, fresh) {
    this.#path = fresh ? undefined : path
    this.#files = !fresh && existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {}
  }
  get(file) {
    return this.#files[file]
  }
  set(file, result) {
    this.#files[file] = result
    if (this.#path !== undefined && result.trouble.length === 0) writeFileSync(this.#path, JSON.stringify(this.#files))
    return result
  }
}

const count = passed => Object.values(passed).reduce((sum, n) => sum + n, 0)
const indent = text => text.replace(/^/gm, '      ')

/** The cases that passed directly and did not, or not as often, through the proxy. */
function difference(direct, through) {
  const missing = []
  for (const [name, times] of Object.entries(direct.passed)) {
    if ((through.passed[name] ?? 0) >= times) continue
    missing.push({ name, why: through.failed[name]?.join('\n') })
  }
  return missing
}
