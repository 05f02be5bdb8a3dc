// Ceph's s3-tests, directly against its gateway and through Portolan: every case that passes directly must pass through it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDir, sh, Unavailable } from '../lib/cache.mjs'
import { readExceptions } from '../lib/exceptions.mjs'
import { accounts, startGateway } from './servers.mjs'
import { prepareSuite, runCases, shortName, suiteCases } from './suite.mjs'

/** Each batch has a gateway of its own, whose memory its objects fill. */
const BATCH = 60
const CASE_SECONDS = 30
const GATEWAY_GONE = /^not run|Could not connect|Connection was closed/
/** Of these every one is taken with `--quick`. */
const QUICK_STEP = 5

/** Runs the cases (all without `files`, which are beginnings of names) and returns those lost and not excepted. */
export async function compareS3Tests({ through, files, part, fresh, quick, print }) {
  const version = /version (\S+)/.exec(sh('radosgw', ['--version']))?.[1]
  const suite = prepareSuite()
  const all = await suiteCases(suite, accounts)
  const wanted = all.filter(
    (name, at) =>
      (files?.some(start => shortName(name).startsWith(start)) ?? (!quick || at % QUICK_STEP === 0)) &&
      isInPart(at, all.length, part),
  )
  const baseline = join(cacheDir('s3-tests'), `radosgw-${version}-${suite.commit}.json`)
  const direct = new Map(
    Object.entries(!fresh && existsSync(baseline) ? JSON.parse(readFileSync(baseline, 'utf8')) : {}),
  )
  const exceptionOf = readExceptions()
  const started = Date.now()
  const counts = { direct: 0, through: 0 }
  const lost = []
  print(`s3-tests ${suite.commit} before RADOS gateway ${version}, through ${through}`)
  for (let at = 0; at < wanted.length; at += BATCH) {
    const batch = wanted.slice(at, at + BATCH)
    const unknown = batch.filter(name => !direct.has(name))
    if (unknown.length > 0) {
      const results = await run(suite, unknown, 'direct')
      // One case of them may end the gateway.
      const cut = unknown.filter(name => GATEWAY_GONE.test(results.get(name)))
      for (const [name, why] of [...results, ...(await run(suite, cut, 'direct'))]) direct.set(name, why ?? true)
      writeFileSync(baseline, JSON.stringify(Object.fromEntries(direct), null, 1))
    }
    const passing = batch.filter(name => direct.get(name) === true)
    const first = await run(suite, passing, through)
    const failed = passing.filter(name => first.get(name) !== undefined)
    const doubtful = failed.filter(name => !exceptionOf('s3-tests', shortName(name)))
    // Some depend on time: only what is lost twice is lost.
    const second = await run(suite, doubtful, through)
    counts.direct += passing.length
    counts.through += passing.length - failed.length
    for (const name of failed) {
      const excepted = exceptionOf('s3-tests', shortName(name))
      const why = second.get(name) ?? first.get(name)
      if (excepted) print(`  excepted (${excepted}): ${shortName(name)}`)
      else print(`  ${second.get(name) === undefined ? 'unsteady' : 'LOST'}: ${shortName(name)}: ${why}`)
      if (!excepted && second.get(name) !== undefined) lost.push(name)
    }
  }
  if (counts.direct === 0) throw new Unavailable('it passes nothing directly')
  const seconds = Math.round((Date.now() - started) / 1000)
  print(
    `${counts.direct} of ${wanted.length} cases pass directly, ${counts.through} through (${seconds} s); ${lost.length} lost`,
  )
  return lost
}

async function run(suite, cases, through) {
  if (cases.length === 0) return new Map()
  const { port, users, stop } = await startGateway(through)
  try {
    return await runCases(suite, cases, { port, users, caseSeconds: CASE_SECONDS })
  } finally {
    await stop()
  }
}

/** `part` is such as `2/5`: the second of five pieces. */
function isInPart(at, count, part = '1/1') {
  const [number, of] = part.split('/').map(Number)
  return Math.floor((at * of) / count) === number - 1
}
