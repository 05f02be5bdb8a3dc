/**
 * The backends of the MySQL suite and MySQL Router. MariaDB is Debian's. MySQL 9 and the router come from a folder into
 * which Debian's packages were unpacked (bench/README.md), with the loader and the libraries of that folder, so that
 * they need not be this system's.
 */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Launch, Peer, Placement } from '../lib/suite.ts'
import { ACCOUNT } from './mysql-client.ts'

type Server = Peer & { launch(placement: Placement): Launch }

const SQL = `
CREATE DATABASE IF NOT EXISTS ${ACCOUNT};
CREATE USER IF NOT EXISTS ${ACCOUNT}@'%' IDENTIFIED BY '${ACCOUNT}';
GRANT ALL ON *.* TO ${ACCOUNT}@'%';
`

/** No waiting for the disk: the proxies are measured, not the server. */
const OPTIONS = [
  ...['--bind-address=127.0.0.1', '--skip-log-bin', '--skip-name-resolve', '--performance-schema=OFF'],
  ...['--innodb-flush-log-at-trx-commit=0', '--innodb-doublewrite=0', '--innodb-buffer-pool-size=256M'],
  ...['--max-connections=2100', '--back-log=2000', '--table-open-cache=2500'],
]

/** Refused for root unless it is said; in this form, as mariadb-install-db takes `--user` for a leave to chown plugins. */
const USER = process.getuid?.() === 0 ? ['-uroot'] : []

function server(
  name: string,
  program: readonly string[],
  initialise: (base: readonly string[]) => readonly string[],
  own: readonly string[] = [],
): Server {
  return {
    name,
    version: [...program, '--no-defaults', '--version'],
    launch: ({ port, folder }) => {
      const base = ['--no-defaults', `--datadir=${join(folder, 'data')}`, ...USER, ...own]
      const place = [`--port=${port}`, `--socket=${join(folder, 's')}`, `--pid-file=${join(folder, 'pid')}`]
      return {
        before: [initialise(base)],
        command: [...program, ...base, ...place, ...OPTIONS, `--init-file=${join(folder, 'init.sql')}`],
        files: { 'init.sql': SQL },
      }
    },
  }
}

export const mariadb: Server = server('mariadb', ['mariadbd'], base => [
  ...[
    'mariadb-install-db',
    ...base,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    '--skip-name-resolve',
  ],
])

/** Where MySQL 9 and MySQL Router were unpacked. */
export function unpackedRoot(environment: NodeJS.ProcessEnv): string | undefined {
  const root = environment['MYSQL9_ROOT']
  return root !== undefined && existsSync(join(root, 'usr/bin/mysqlrouter')) ? root : undefined
}

/** A program of the folder. */
function unpacked(root: string, program: string): string[] {
  const libraries = ['usr/lib/x86_64-linux-gnu', 'usr/lib/aarch64-linux-gnu', 'usr/lib/mysql-router']
  const loader = ['lib64/ld-linux-x86-64.so.2', 'lib/ld-linux-aarch64.so.1'].map(file => join(root, file))
  return [
    ...[loader.find(existsSync) ?? loader[0]!, '--library-path', libraries.map(path => join(root, path)).join(':')],
    join(root, program),
  ]
}

export function mysql9(root: string): Server {
  const mysqld = unpacked(root, 'usr/sbin/mysqld')
  const shared = [`--lc-messages-dir=${join(root, 'usr/share/mysql')}`, '--mysqlx=OFF', '--secure-file-priv=NULL']
  const plugins = `--plugin-dir=${join(root, 'usr/lib/mysql/plugin')}`
  return server('mysql9', mysqld, base => [...mysqld, ...base, '--initialize-insecure'], [...shared, plugins])
}

/** One thread, no TLS on either side, one connection to the server for each client. */
export function mysqlRouter(root: string): Peer {
  const program = unpacked(root, 'usr/bin/mysqlrouter')
  return {
    name: 'mysql-router',
    version: [...program, '--version'],
    launch: ({ port, backendPort, folder }) => ({
      command: [...program, '-c', join(folder, 'router.conf')],
      files: {
        'router.conf': `
[DEFAULT]
logging_folder=
runtime_folder=${folder}
data_folder=${folder}
plugin_folder=${join(root, 'usr/lib/mysqlrouter/plugin')}
[logger]
level=ERROR
[io]
threads=1
[routing:static]
bind_address=127.0.0.1
bind_port=${port}
destinations=127.0.0.1:${backendPort}
routing_strategy=first-available
protocol=classic
client_ssl_mode=DISABLED
server_ssl_mode=DISABLED
`,
      },
    }),
  }
}
