// Runs the programs and test suites of others, direct and through Portolan, and compares: what passes directly must
// pass through. `node test/interop/run.mjs --help` tells the options; README.md tells what is run and what came out.
import { parseArgs } from 'node:util'
import { compareClients } from './clients/compare.mjs'
import { runDaprJsSdk } from './dapr-js-sdk/suite.mjs'
import { compareDubbo } from './dubbo/compare.mjs'
import { compareKafka } from './kafka/compare.mjs'
import { Unavailable } from './lib/cache.mjs'
import { compareMtr } from './mtr/compare.mjs'
import { MODES } from './mtr/suite.mjs'
import { runOwn } from './own/run.mjs'
import { compareS3Tests } from './s3-tests/compare.mjs'
import { compareTcl } from './tcl/compare.mjs'

const HELP = `usage: node test/interop/run.mjs [clients] [own] [tcl] [mtr] [s3-tests] [dapr-js-sdk] [dubbo] [kafka] [options]     (all without a name)
  --through X     portolan (default), haproxy, direct, or HOST:PORT of something with a server behind it
  --program NAME  clients: only this program; may be repeated
  --file NAME     own, tcl, mtr: only this file, such as unit/type/list or ps_1general; s3-tests: cases that begin so; dapr-js-sdk: only this file, such as grpc/client; may be repeated
  --part K/N      s3-tests: only the K-th of N pieces
  --only CASE     tcl: only this case; may be repeated
  --resp N        tcl: 2 or 3; both without it
  --tags TAGS     tcl: the suite's tags, by default "-slow"
  --mode MODE     mtr: plain, ps, cursor, compress or ssl; may be repeated; all without it, plain and ps with --quick
  --pooling MODE  mtr: transaction (default), session, or relay, where logins are the server's
  --quick         without the programs and the files of tcl that take longest; mtr, s3-tests: some tests
  --fresh         tcl, mtr, s3-tests: run directly again instead of using the kept result`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    through: { type: 'string', default: 'portolan' },
    program: { type: 'string', multiple: true },
    file: { type: 'string', multiple: true },
    only: { type: 'string', multiple: true },
    resp: { type: 'string' },
    tags: { type: 'string', default: '-slow' },
    mode: { type: 'string', multiple: true },
    pooling: { type: 'string' },
    part: { type: 'string' },
    quick: { type: 'boolean', default: false },
    fresh: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(HELP)
  process.exit(0)
}

const wanted = name => positionals.length === 0 || positionals.includes(name)
const print = line => console.log(line)
const started = Date.now()
let lost = 0

if (wanted('clients')) {
  lost += (await compareClients({ through: values.through, only: values.program, quick: values.quick, print })).length
}
if (wanted('own') && !values.quick) {
  try {
    lost += (await runOwn({ files: positionals.includes('own') ? values.file : undefined, print })).length
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    print(`SKIPPED Portolan's own tests before MySQL 9: ${error.message}`)
  }
}
if (wanted('tcl')) {
  for (const resp of values.resp ? [Number(values.resp)] : [2, 3]) {
    try {
      const { through, file: files, only, tags, fresh, quick } = values
      lost += (await compareTcl({ through, resp, files, only, tags, fresh, quick, print })).length
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      print(`SKIPPED the Tcl suite in RESP${resp}: ${error.message}`)
    }
  }
}
if (wanted('mtr')) {
  for (const mode of values.mode ?? (values.quick ? ['plain', 'ps'] : Object.keys(MODES))) {
    try {
      const { through, pooling, file: files, fresh, quick } = values
      lost += (await compareMtr({ through, mode, pooling, files, fresh, quick, print })).length
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      print(`SKIPPED the mtr suite, ${mode}: ${error.message}`)
    }
  }
}
if (wanted('s3-tests')) {
  try {
    const { through, file: files, part, fresh, quick } = values
    lost += (await compareS3Tests({ through, files, part, fresh, quick, print })).length
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    print(`SKIPPED Ceph's s3-tests: ${error.message}`)
  }
}
if (wanted('dapr-js-sdk')) {
  try {
    const files = positionals.includes('dapr-js-sdk') ? values.file : undefined
    lost += (await runDaprJsSdk({ files, print })).length
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    print(`SKIPPED the end-to-end tests of Dapr's client: ${error.message}`)
  }
}
if (wanted('dubbo')) {
  try {
    lost += (await compareDubbo({ print })).length
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    print(`SKIPPED Apache Dubbo: ${error.message}`)
  }
}
if (wanted('kafka')) {
  try {
    lost += (await compareKafka({ print })).length
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    print(`SKIPPED Apache Kafka: ${error.message}`)
  }
}
print(`${lost} lost in ${Math.round((Date.now() - started) / 60_000)} min`)
process.exit(lost === 0 ? 0 : 1)
