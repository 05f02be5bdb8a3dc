/** The embedded default: a private redis-server, as the supervision has to know it. */
import type { Runtime } from '../../protocol.ts'
import { ask, PrivateServer, type Program } from '../../supervise/index.ts'

export interface EmbeddedRedisOptions {
  readonly dataDirectory: string
  /** A name on the PATH or a path. */
  readonly binary?: string
  /** True (default): every write is in the append-only file within a second. False: snapshots, as Redis's own defaults say. */
  readonly appendOnly?: boolean
  /** Redis's `maxmemory`; without it there is no limit. */
  readonly maxMemoryBytes?: number
}

const ANSWER_MS = 1_000
/** How long a left-over server may take to write its data and leave. */
const TAKE_OVER_MS = 10_000

export function embeddedRedis(
  options: EmbeddedRedisOptions,
  runtime: Pick<Runtime, 'logger' | 'clock'>,
): PrivateServer {
  return new PrivateServer(program(options), options.dataDirectory, runtime)
}

function program(options: EmbeddedRedisOptions): Program {
  const { binary = 'redis-server', appendOnly = true, maxMemoryBytes } = options
  return {
    name: 'redis-server',
    binary,
    package: 'redis-server',
    options,
    arguments({ directory, socketPath }) {
      const args = ['--port', '0', '--unixsocket', socketPath, '--unixsocketperm', '700', '--dir', directory]
      args.push('--daemonize', 'no', '--appendonly', appendOnly ? 'yes' : 'no')
      if (appendOnly) args.push('--save', '')
      if (maxMemoryBytes !== undefined) args.push('--maxmemory', String(maxMemoryBytes))
      return args
    },
    // One that loads its data says LOADING first.
    async look({ socketPath }) {
      const answer = await ask(socketPath, 'PING\r\n', ANSWER_MS)
      return answer === undefined ? 'absent' : answer.startsWith('+PONG') ? 'ready' : 'busy'
    },
    async endLeftOver({ socketPath }) {
      await ask(socketPath, 'SHUTDOWN\r\n', TAKE_OVER_MS)
    },
    // "pid:role date level message"; # is what Redis calls a warning.
    isWarning: line => /^\d+:\S+ .{19,26} # /.test(line),
  }
}
