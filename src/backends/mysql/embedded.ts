/** The embedded default: a private mariadbd, as the supervision has to know it. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Runtime } from '../../protocol.ts'
import { ask, type Place, PrivateServer, type Program } from '../../supervise/index.ts'
import { initialise } from './embedded-data.ts'

export interface EmbeddedMysqlOptions {
  readonly dataDirectory: string
  /** A name on the PATH or a path. */
  readonly binary?: string
}

/** Portolan's own account at the servers that it starts: good for the life of this process, and on disk as a hash only. */
export const embeddedCredentials = { username: 'portolan', password: randomBytes(24).toString('base64url') } as const

const GREETING_MS = 1_000
/** How long a left-over server may take to write its data and leave. */
const TAKE_OVER_MS = 10_000
const POLL_MS = 20

/** What differs from MariaDB's defaults: less memory, start and end without reading and dumping the buffer pool. */
const SETTINGS = [
  '--innodb-buffer-pool-size=64M',
  '--innodb-log-file-size=48M',
  '--innodb-buffer-pool-load-at-startup=OFF',
  '--innodb-buffer-pool-dump-at-shutdown=OFF',
  '--key-buffer-size=1M',
  '--aria-pagecache-buffer-size=8M',
  '--table-open-cache=400',
  // As Debian and MySQL have them.
  '--character-set-server=utf8mb4',
  '--max-allowed-packet=64M',
]

export function embeddedMysql(
  options: EmbeddedMysqlOptions,
  runtime: Pick<Runtime, 'logger' | 'clock'>,
): PrivateServer {
  return new PrivateServer(program(options, runtime.clock), options.dataDirectory, runtime)
}

function program(options: EmbeddedMysqlOptions, clock: Runtime['clock']): Program {
  const { binary = 'mariadbd' } = options
  return {
    name: 'mariadbd',
    binary,
    package: 'mariadb-server-core',
    options,
    async prepare({ directory }, signal) {
      // Of its own: a mariadbd that starts removes the temporary tables of all others in the same folder.
      const temporary = join(directory, 'tmp')
      rmSync(temporary, { recursive: true, force: true })
      mkdirSync(temporary, { mode: 0o700 })
      await initialise(directory, { binary, settings: SETTINGS, temporary, signal })
      writeFileSync(join(directory, 'init.sql'), `${ACCOUNT.join(';\n')};\n`, { mode: 0o600 })
    },
    arguments({ directory, socketPath }) {
      const files = [
        `--datadir=${join(directory, 'data')}`,
        `--socket=${socketPath}`,
        `--pid-file=${pidFile(directory)}`,
        `--tmpdir=${join(directory, 'tmp')}`,
      ]
      const user = process.getuid?.() === 0 ? ['--user=root'] : []
      return ['--no-defaults', ...user, ...files, `--init-file=${directory}/init.sql`, '--skip-networking', ...SETTINGS]
    },
    async look({ socketPath }) {
      const answer = await ask(socketPath, '', GREETING_MS)
      if (answer === undefined) return 'absent'
      // A greeting of protocol version 10, or the error of one that serves so many that it has no place for us.
      const kind = answer.charCodeAt(4)
      return kind === 10 || kind === 255 ? 'ready' : 'busy'
    },
    endLeftOver: place => endLeftOver(place, clock),
    // It warns of each of our looks.
    isWarning: line => /\[(Warning|ERROR)\]/.test(line) && !line.includes('closed normally without authentication'),
  }
}

/**
 * Run at each start. The account may do everything with data, and nothing that would reach the files of this user or
 * the server's own tables: who has the listener's password must not get further than that. The entries for `mysql` and
 * `sys` take precedence over the pattern, being more specific.
 */
const ACCOUNT = [
  'CREATE USER IF NOT EXISTS portolan@localhost',
  `ALTER USER portolan@localhost IDENTIFIED VIA mysql_native_password USING '${nativeHash(embeddedCredentials.password)}'`,
  'GRANT PROCESS, RELOAD, SHOW DATABASES, CONNECTION ADMIN, BINLOG MONITOR, REPLICA MONITOR ON *.* TO portolan@localhost',
  'GRANT ALL ON `%`.* TO portolan@localhost',
  'GRANT SELECT, EXECUTE, SHOW VIEW ON mysql.* TO portolan@localhost',
  'GRANT SELECT, EXECUTE, SHOW VIEW ON sys.* TO portolan@localhost',
  'CREATE DATABASE IF NOT EXISTS app',
]

/** As the server keeps a password of mysql_native_password; it does not serve to log in. */
function nativeHash(password: string): string {
  const sha1 = (bytes: Buffer | string) => createHash('sha1').update(bytes).digest()
  return `*${sha1(sha1(password)).toString('hex').toUpperCase()}`
}

function pidFile(directory: string): string {
  return join(directory, 'pid')
}

/** Our credentials at it went with the process that made them, so it gets a signal. */
async function endLeftOver({ directory, socketPath }: Place, clock: Runtime['clock']): Promise<void> {
  try {
    process.kill(Number.parseInt(readFileSync(pidFile(directory), 'latin1'), 10), 'SIGTERM')
  } catch {
    // It is just ending, or not ours to end.
  }
  const deadline = clock.now() + TAKE_OVER_MS
  while (clock.now() < deadline && (await ask(socketPath, '', GREETING_MS)) !== undefined) {
    await new Promise<void>(resolve => clock.after(POLL_MS, resolve))
  }
}
