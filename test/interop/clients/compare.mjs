// The client programs, direct and through a proxy: every case that passes directly must pass through it.
import { Unavailable } from '../lib/cache.mjs'
import { readExceptions } from '../lib/exceptions.mjs'
import { runProgram } from '../lib/processes.mjs'
import { programs } from './programs.mjs'

const NOTHING = { ok: new Set(), failed: new Map(), rest: '' }

/** Runs the programs (all without `only`) and returns the cases lost and not excepted. */
export async function compareClients({ through, only, quick, print }) {
  const exceptionOf = readExceptions()
  const lost = []
  for (const program of programs) {
    if (only !== undefined ? !only.includes(program.name) : quick && program.isLong) continue
    try {
      lost.push(...(await compareProgram(program, through, exceptionOf, print)))
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      print(`${program.name}: SKIPPED: ${error.message}`)
    }
  }
  return lost
}

async function compareProgram(program, through, exceptionOf, print) {
  const prepared = await program.prepare()
  // What can do nothing directly, or has nothing to be direct to, is to do everything through Portolan.
  const isWhole = program.isMended || program.isAlone
  const started = Date.now()
  const [direct, first] = await Promise.all([
    program.isAlone ? NOTHING : runCases(program, prepared, 'direct'),
    runCases(program, prepared, through),
  ])
  if (direct.ok.size === 0 && !isWhole) throw new Unavailable(`it passes nothing directly: ${direct.rest}`)
  const wanted = isWhole ? new Set([...direct.ok, ...first.ok, ...first.failed.keys()]) : direct.ok
  const names = [...wanted].filter(name => !first.ok.has(name))
  // On a busy machine a case may fail by its own deadlines: only what is lost twice is lost.
  const second = names.some(name => !exceptionOf(program.name, name))
    ? await runCases(program, prepared, through)
    : first
  const seconds = Math.round((Date.now() - started) / 1000)
  print(
    `${program.name} (${prepared.versions}): ${direct.ok.size} direct, ${first.ok.size} through ${through} (${seconds} s)`,
  )
  if (!isWhole) for (const [name, why] of direct.failed) print(`  not even directly: ${name}: ${why}`)
  for (const [name, why] of first.failed) if (!wanted.has(name)) print(`  not through either: ${name}: ${why}`)
  const lost = []
  for (const name of program.mends ?? []) {
    const why = direct.ok.has(name)
      ? 'it passes directly'
      : (first.failed.get(name) ?? (first.ok.has(name) ? '' : 'not run'))
    if (why) print(`  NOT MENDED: ${name}: ${why}`)
    if (why) lost.push({ program: program.name, name, why })
  }
  for (const name of names) {
    const excepted = exceptionOf(program.name, name)
    const why = first.failed.get(name) ?? `the program did not get there: ${first.rest}`
    if (excepted) print(`  excepted (${excepted}): ${name}`)
    else print(`  ${second.ok.has(name) ? 'unsteady' : 'LOST'}: ${name}: ${why}`)
    if (!excepted && !second.ok.has(name)) lost.push({ program: program.name, name, why })
  }
  return lost
}

/** One run against fresh servers: the names that passed, why others failed, and the end of whatever else was said. */
async function runCases({ startService }, { command, args, env, timeoutMs = 180_000 }, through) {
  const service = await startService(through)
  const { output, code } = await runProgram(command, args, {
    timeoutMs,
    env: { ...process.env, ...env, ...service.env },
  })
  const result = { ok: new Set(), failed: new Map(), rest: '' }
  const rest = []
  for (const line of output.split('\n')) {
    const [, verdict, text] = /^(ok|FAIL) (.*)$/.exec(line) ?? []
    if (verdict === 'ok') result.ok.add(text)
    else if (verdict === 'FAIL') result.failed.set(...text.split('\t'))
    else rest.push(line)
  }
  result.rest = `exit ${code}: ${rest.join(' | ').slice(-600)}`
  if (!service.alive()) result.rest += `; a server ended: ${service.log().slice(-1_000)}`
  for (const [name, why] of (await service.stop()) ?? []) {
    if (why === undefined) result.ok.add(name)
    else result.failed.set(name, why)
  }
  return result
}
