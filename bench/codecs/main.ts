/** Runs the micro benchmarks of all codecs: one line per codec below. */

import { parseArgs } from 'node:util'
import { type MicroBench, runMicro } from '../lib/micro.ts'
import { isWanted } from '../lib/options.ts'
import { table } from '../lib/report.ts'
import type { MainInput } from '../main-input.ts'
import { http1Benches } from './http1.ts'
import { mysqlBenches } from './mysql.ts'
import { redisBenches } from './redis.ts'
import { s3Benches } from './s3.ts'

const CODECS: Readonly<Record<string, () => MicroBench[]>> = {
  redis: redisBenches,
  mysql: mysqlBenches,
  http1: http1Benches,
  s3: s3Benches,
}

/** Resolves to the exit code. */
export async function main({ args }: MainInput): Promise<number> {
  const { values, positionals } = parseArgs({
    args: args.slice(1),
    allowPositionals: true,
    options: { quick: { type: 'boolean', default: false } },
  })
  const [rounds, roundMs] = values.quick ? [3, 20] : [9, 100]
  for (const [name, benches] of Object.entries(CODECS)) {
    if (!isWanted(positionals, name)) continue
    const lines = runMicro(benches(), rounds, roundMs).map(result => [
      result.name,
      result.nsPerFrame.toFixed(1),
      result.megabytesPerSecond.toFixed(0),
      `${(result.spread * 100).toFixed(0)} %`,
    ])
    const title = `# ${name} codec, Node ${process.versions.node}`
    process.stdout.write(`${title}\n\n${table(['input', 'ns/frame', 'MB/s', 'spread'], lines, 1)}\n`)
  }
  return 0
}
