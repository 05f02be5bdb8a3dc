/** The command line of the benchmarks. */

import { parseArgs } from 'node:util'

export interface BenchOptions {
  /** Suites to run, or "codecs"; empty for all suites. */
  readonly suites: readonly string[]
  /** Names, or prefixes that end in `*`; empty for all. */
  readonly peers: readonly string[]
  readonly rows: readonly string[]
  readonly repetitions: number
  readonly measureMs: number
  readonly warmMs: number
  readonly pin: boolean
  /** Which of a suite's backends; empty for its first. */
  readonly backend: string
  readonly node: string
  readonly variants: readonly { readonly name: string; readonly path: string }[]
  readonly quick: boolean
  readonly check: boolean
  readonly save: boolean
  readonly help: boolean
}

export const HELP = `npm run bench -- [suite ...] [options]      (or: node bench/run.mjs ...)

  suite                          redis, mysql, s3; or "codecs" for the micro benchmarks. Default: every suite
  --peers a,b                    only these peers (exact, or a prefix with *)
  --rows a,b                     only these rows (exact, or a prefix with *)
  --reps N                       repetitions, peers alternating in each (default 3)
  --seconds S                    measured time per row and peer (default 2.5)
  --warm-seconds S               unmeasured time before (default 2)
  --backend NAME                 of mysql: mariadb (default), mysql9
  --no-pin                       leave every process to the scheduler (default: load and backend on core 0, proxy on core 1)
  --node BINARY                  the Node that runs Portolan and the empty script (default: the one that runs this)
  --portolan-variant NAME=PATH   another build of Portolan beside this one: a checkout or its entry file; may be repeated
  --quick                        one short repetition, to see that everything works; its numbers mean little
  --check                        exit code 1 unless every goal on the chosen rows and peers is reached
  --save                         write bench/results/<suite>-<date>.{json,md,svg}
`

/** Reads the command line; throws an Error with a readable message. */
export function parseOptions(args: readonly string[], nodeBinary: string): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    allowNegative: true,
    options: {
      peers: { type: 'string', default: '' },
      rows: { type: 'string', default: '' },
      reps: { type: 'string' },
      seconds: { type: 'string' },
      'warm-seconds': { type: 'string' },
      backend: { type: 'string', default: '' },
      pin: { type: 'boolean', default: true },
      node: { type: 'string', default: nodeBinary },
      'portolan-variant': { type: 'string', multiple: true, default: [] },
      quick: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      save: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const quick = values.quick
  return {
    suites: positionals,
    peers: list(values.peers),
    rows: list(values.rows),
    repetitions: positive('--reps', values.reps ?? (quick ? '1' : '3'), true),
    measureMs: positive('--seconds', values.seconds ?? (quick ? '0.5' : '2.5'), false) * 1000,
    warmMs: positive('--warm-seconds', values['warm-seconds'] ?? (quick ? '0.2' : '2'), false) * 1000,
    pin: values.pin,
    backend: values.backend,
    node: values.node,
    variants: values['portolan-variant'].map(parseVariant),
    quick,
    check: values.check,
    save: values.save,
    help: values.help,
  }
}

/** Whether a name is among the wanted ones; no wish means all. */
export function isWanted(wanted: readonly string[], name: string): boolean {
  return (
    wanted.length === 0 ||
    wanted.some(wish => (wish.endsWith('*') ? name.startsWith(wish.slice(0, -1)) : name === wish))
  )
}

function list(text: string): string[] {
  return text.split(',').filter(part => part !== '')
}

function positive(option: string, text: string, whole: boolean): number {
  const value = Number(text)
  if (!(value > 0) || (whole && !Number.isInteger(value))) {
    throw new Error(`${option} wants a positive ${whole ? 'whole ' : ''}number, not "${text}"`)
  }
  return value
}

function parseVariant(text: string): { name: string; path: string } {
  const [, name, path] = /^([\w.-]+)=(.+)$/.exec(text) ?? []
  if (name === undefined || path === undefined) throw new Error(`--portolan-variant wants NAME=PATH, not "${text}"`)
  return { name, path }
}
