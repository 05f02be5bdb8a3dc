// Redis's own test suite as Debian ships its source, made ready for servers that it does not start itself.
import { copyFileSync, cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDir, debianSource, once, sh } from '../lib/cache.mjs'

// The client of 7.0's suite cannot read RESP3 as RESP2-minded tests want it; that of 8.0 can.
const RESP3_CLIENT = { suite: 'trixie', version: '8.0.2' }
const here = new URL('.', import.meta.url).pathname

/** The version of the installed redis-server, whose own suite is the only fair one. */
export function serverVersion() {
  return /v=(\d+\.\d+\.\d+)/.exec(sh('redis-server', ['--version']))?.[1] ?? 'unknown'
}

/**
 * The folder of the suite for that RESP version, and the arguments it needs. `checkout` (PORTOLAN_REDIS_SUITE) names
 * an unpacked Redis source to take instead of Debian's.
 */
export function prepareSuite(resp, checkout = process.env['PORTOLAN_REDIS_SUITE']) {
  const version = serverVersion()
  const source = checkout ?? debianSource('redis', 'bookworm', version)
  const client = resp === 3 ? debianSource('redis', RESP3_CLIENT.suite, RESP3_CLIENT.version) : undefined
  const patch = readFileSync(join(here, 'resp3.tcl'), 'utf8')
  const dir = once(`suite-${version}-resp${resp}`, [source, client, patch], work => {
    for (const part of ['tests', 'runtest', 'redis.conf'])
      cpSync(join(source, part), join(work, part), { recursive: true })
    cpSync(join(source, 'src'), join(work, 'src'), { recursive: true, filter: path => !/\.[cho]$/.test(path) })
    for (const program of ['redis-server', 'redis-cli', 'redis-benchmark']) {
      symlinkSync(sh('which', [program]).trim(), join(work, 'src', program))
    }
    if (client !== undefined) speakResp3(work, client, patch)
  })
  return { dir, version, args: resp === 3 ? ['--skipfile', join(here, 'resp3.skip')] : [] }
}

function speakResp3(work, client, patch) {
  const support = join('tests', 'support')
  copyFileSync(join(client, support, 'response_transformers.tcl'), join(work, support, 'response_transformers.tcl'))
  let text = readFileSync(join(client, support, 'redis.tcl'), 'utf8')
  for (const fd of ['$fd', '$::redis::fd($id)']) {
    const opened = `fconfigure ${fd} -translation binary\n`
    if (text.split(opened).length !== 2) throw new Error(`the suite's client no longer opens connections by: ${opened}`)
    text = text.replace(opened, () => `${opened}    ::redis::say_hello_3 ${fd}\n`)
  }
  writeFileSync(join(work, support, 'redis.tcl'), `${text}\n${patch}`)
}

/** The files of the suite in its own order. */
export function suiteFiles({ dir }) {
  const helper = readFileSync(join(dir, 'tests', 'test_helper.tcl'), 'utf8')
  const list = /^set ::all_tests \{([^}]*)\}/m.exec(helper)?.[1] ?? ''
  return list.trim().split(/\s+/)
}

/** Where results of direct runs are kept: they change only with the suite and the server. */
export function baselineFile({ version }, resp, tags) {
  return join(cacheDir('baselines'), `redis-${version}-resp${resp}-${tags.replace(/[^\w-]+/g, '_')}.json`)
}
