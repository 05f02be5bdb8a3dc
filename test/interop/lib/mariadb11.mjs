// MariaDB 11.8 or later, whose plugin parsec no earlier one has: Debian's unstable branch has it. As MySQL 9, it is unpacked
// into the cache and run from there by chroot.

import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../../scripts/ports.mjs'
import { debianTree, sh, Unavailable } from './cache.mjs'
import { startServer, withFolder } from './processes.mjs'

const PACKAGES = ['mariadb-server-core', 'mariadb-server']
const SMALL = ['--innodb-buffer-pool-size=16M', '--innodb-flush-log-at-trx-commit=0']
const MARIADBD = ['/usr/sbin/mariadbd', '--no-defaults', '--user=root', ...SMALL]
const SYSTEM_TABLES = ['mariadb_system_tables.sql', 'mariadb_system_tables_data.sql']

function tree() {
  if (process.getuid?.() !== 0) throw new Unavailable('MariaDB 11 runs by chroot, which takes root')
  return debianTree('mariadb11', 'sid', PACKAGES)
}

function dataTemplate(root) {
  const template = join(root, 'srv', 'template')
  if (existsSync(template)) return template
  const building = `/srv/template.${process.pid}`
  mkdirSync(join(root, building))
  const scripts = SYSTEM_TABLES.map(name => readFileSync(join(root, 'usr', 'share', 'mariadb', name), 'utf8'))
  const input = ['create database mysql;', 'use mysql;', 'SET @auth_root_socket=NULL;', ...scripts].join('\n')
  sh('chroot', [root, ...MARIADBD, `--datadir=${building}`, '--bootstrap'], { input })
  try {
    renameSync(join(root, building), template)
  } catch (error) {
    if (!existsSync(template)) throw error // else another run was faster
    rmSync(join(root, building), { recursive: true, force: true })
  }
  return template
}

/** A private server, as `startMysql9` makes them; the account app logs in by parsec. */
export async function startMariadb11({ sql = [], tls, args = [] } = {}) {
  const root = tree()
  const template = dataTemplate(root)
  const port = await freePort()
  const inside = `/srv/${port}-${process.pid}`
  const dir = join(root, inside)
  mkdirSync(dir)
  cpSync(template, join(dir, 'data'), { recursive: true })
  const accounts = ['CREATE DATABASE app', "CREATE USER app@'%' IDENTIFIED VIA parsec USING PASSWORD('app')"]
  const rights = "GRANT ALL ON *.* TO app@'%' WITH GRANT OPTION"
  writeFileSync(join(dir, 'init.sql'), [...accounts, rights, ...sql].map(line => `${line};\n`).join(''))
  for (const [name, file] of Object.entries(tls ?? {})) cpSync(file, join(dir, name))
  const options = [
    `--datadir=${inside}/data`,
    `--tmpdir=${inside}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    `--socket=${inside}/s`,
    `--pid-file=${inside}/pid`,
    `--init-file=${inside}/init.sql`,
    '--plugin-load-add=auth_parsec',
    '--skip-name-resolve',
    '--local-infile=ON',
    ...(tls ? ['cert', 'key', 'ca'].map(name => `--ssl-${name}=${inside}/${name}`) : []),
  ]
  return withFolder(dir, await startServer('chroot', [root, ...MARIADBD, ...options, ...args], port))
}
