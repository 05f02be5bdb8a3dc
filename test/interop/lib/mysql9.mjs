// MySQL proper, which Debian has in its unstable branch only: its packages are unpacked into the cache and run from there
// by chroot, which takes root. A start copies a data directory that is made once.

import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../../scripts/ports.mjs'
import { debianTree, once, sh, Unavailable } from './cache.mjs'
import { startServer, withFolder } from './processes.mjs'

const PACKAGES = ['mysql-server-core', 'mysql-client-core']
/** Little memory, small files, no waiting for the disk. */
const SMALL = [
  '--performance-schema=OFF',
  '--innodb-buffer-pool-size=32M',
  '--innodb-redo-log-capacity=8M',
  '--innodb-flush-log-at-trx-commit=0',
  '--sync-binlog=0',
  '--mysqlx=OFF',
]
const MYSQLD = ['/usr/sbin/mysqld', '--no-defaults', '--user=root']

/** The tree with its programs. */
export function mysql9Tree() {
  if (process.getuid?.() !== 0) throw new Unavailable('MySQL 9 runs by chroot, which takes root')
  return debianTree('mysql9', 'sid', PACKAGES)
}

/**
 * A folder with MySQL's own client programs, for the command line of anybody: each is run by the loader and the libraries of
 * the tree, and sees the files of the machine.
 */
export function mysql9Tools() {
  const root = mysql9Tree()
  return once('mysql9-tools', root, dir => {
    const lib = join(root, 'usr', 'lib')
    const [loader] = readdirSync(join(root, 'lib64')).filter(name => name.startsWith('ld-linux'))
    if (!loader) throw new Unavailable('the loader of this architecture is not known')
    const libraries = readdirSync(lib).filter(name => name.endsWith('-linux-gnu'))
    const path = libraries.map(name => join(lib, name)).join(':')
    for (const program of readdirSync(join(root, 'usr', 'bin')).filter(name => name.startsWith('mysql'))) {
      const run = `exec ${join(root, 'lib64', loader)} --library-path ${path} ${join(root, 'usr', 'bin', program)} "$@"`
      writeFileSync(join(dir, program), `#!/bin/sh\n${run}\n`, { mode: 0o755 })
    }
  })
}

/** As `mysqld` tells it, such as 9.7.4. */
export function mysql9Version() {
  return /Ver (\d[\d.]*)/.exec(sh('chroot', [mysql9Tree(), '/usr/sbin/mysqld', '--no-defaults', '--version']))[1]
}

function dataTemplate(root) {
  const template = join(root, 'srv', 'template')
  if (existsSync(template)) return template
  const building = `/srv/template.${process.pid}`
  sh('chroot', [root, ...MYSQLD, ...SMALL, `--datadir=${building}`, '--initialize-insecure'])
  try {
    renameSync(join(root, building), template)
  } catch (error) {
    if (!existsSync(template)) throw error // else another run was faster
    rmSync(join(root, building), { recursive: true, force: true })
  }
  return template
}

/** A private server; `sql` runs at its start, `tls` names files in PEM form. Account app, password app, all rights, database app. */
export async function startMysql9({ sql = [], tls, args = [] } = {}) {
  const root = mysql9Tree()
  const template = dataTemplate(root)
  const port = await freePort()
  const inside = `/srv/${port}-${process.pid}`
  const dir = join(root, inside)
  mkdirSync(dir)
  cpSync(template, join(dir, 'data'), { recursive: true })
  // Every server has a number of its own.
  rmSync(join(dir, 'data', 'auto.cnf'), { force: true })
  const accounts = ['CREATE DATABASE app', "CREATE USER app@'%' IDENTIFIED BY 'app'"]
  const rights = "GRANT ALL ON *.* TO app@'%' WITH GRANT OPTION"
  writeFileSync(join(dir, 'init.sql'), [...accounts, rights, ...sql].map(line => `${line};\n`).join(''))
  for (const [name, file] of Object.entries(tls ?? {})) cpSync(file, join(dir, name))
  const options = [
    `--datadir=${inside}/data`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    `--socket=${inside}/s`,
    `--pid-file=${inside}/pid`,
    `--init-file=${inside}/init.sql`,
    '--skip-name-resolve',
    '--local-infile=ON',
    '--secure-file-priv=NULL',
    ...(tls ? ['cert', 'key', 'ca'].map(name => `--ssl-${name}=${inside}/${name}`) : []),
  ]
  return withFolder(dir, await startServer('chroot', [root, ...MYSQLD, ...SMALL, ...options, ...args], port))
}
