/**
 * A real, private mariadbd for tests, with users root (without a password) and app (password app, all rights) and a
 * database app.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { delimiter, join } from 'node:path'
import { type MysqlProduct, type MysqlServer, type MysqlServerOptions, startMysqlServer } from './mysql-server.ts'

export type MariadbServer = MysqlServer

export function startMariadb(options: MysqlServerOptions = {}): Promise<MariadbServer> {
  return startMysqlServer(MARIADB, options)
}

const PATH = [process.env['PATH'] ?? '', '/usr/sbin', '/usr/local/sbin', '/usr/libexec'].join(delimiter)
const ENVIRONMENT = { ...process.env, PATH }

/** Small files and no waiting for the disk. */
const SMALL = [
  '--innodb-log-file-size=4M',
  '--innodb-buffer-pool-size=16M',
  '--innodb-flush-log-at-trx-commit=0',
  '--innodb-doublewrite=0',
  '--skip-innodb-use-native-aio',
  '--aria-pagecache-buffer-size=2M',
  '--key-buffer-size=1M',
  '--performance-schema=OFF',
]

/** Refused for root unless it is said; in this form, as mariadb-install-db takes `--user` for a leave to chown plugins. */
const USER = process.getuid?.() === 0 ? ['-uroot'] : []

/** Of every server, whatever its product. */
export const ACCOUNTS = [
  'CREATE DATABASE app',
  "CREATE USER app@'%' IDENTIFIED BY 'app'",
  "GRANT ALL ON *.* TO app@'%' WITH GRANT OPTION",
  "CREATE USER root@'%'",
  "GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION",
]

/** An initialised data directory of this version; made by whoever needs it first. */
function dataTemplate(): string {
  const version = execFileSync('mariadbd', ['--no-defaults', '--version'], { env: ENVIRONMENT })
  const key = createHash('sha256')
    .update(version)
    .update(SMALL.join())
    .update(ACCOUNTS.join())
    .digest('hex')
    .slice(0, 12)
  const template = join(tmpdir(), `mariadb-template-${userInfo().uid}-${key}`)
  if (existsSync(template)) return template
  const building = mkdtempSync(`${template}-`)
  // A server that starts removes the temporary tables of all others in its temporary folder.
  const own = ['--no-defaults', `--datadir=${building}`, `--tmpdir=${building}`]
  const args = [...own, '--auth-root-authentication-method=normal', '--skip-test-db']
  run('mariadb-install-db', [...args, '--skip-name-resolve', ...USER, ...SMALL])
  const input = ['USE mysql', 'FLUSH PRIVILEGES', ...ACCOUNTS].map(line => `${line};\n`).join('')
  run('mariadbd', [...own, ...USER, ...SMALL, '--bootstrap'], input)
  try {
    renameSync(building, template)
  } catch (error) {
    // Another process was faster: a folder that is not empty is not replaced.
    rmSync(building, { recursive: true, force: true })
    if (!existsSync(template)) throw error
  }
  return template
}

function run(program: string, args: readonly string[], input = ''): void {
  const { status, stdout, stderr, error } = spawnSync(program, args, { env: ENVIRONMENT, input, encoding: 'utf8' })
  if (status !== 0) throw error ?? new Error(`${program} failed:\n${stdout}${stderr}`)
}

const MARIADB: MysqlProduct = {
  name: 'mariadb',
  command: ['mariadbd', '--no-defaults', '--skip-log-bin', ...USER, ...SMALL],
  env: ENVIRONMENT,
  home: tmpdir(),
  root: '',
  dataTemplate,
}
