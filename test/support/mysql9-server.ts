/**
 * MySQL 9 for tests, with the accounts of mariadb-server.ts. It is run by chroot, which takes root, from a folder with its
 * unpacked packages, which PORTOLAN_TEST_MYSQL9 names (test/interop has it).
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ACCOUNTS } from './mariadb-server.ts'
import { type MysqlProduct, type MysqlServer, type MysqlServerOptions, startMysqlServer } from './mysql-server.ts'

const ROOT = process.env['PORTOLAN_TEST_MYSQL9']

/** Whether tests that can do without MariaDB are to be run with MySQL 9. */
export const hasMysql9 = ROOT !== undefined

export function startMysql9(options: MysqlServerOptions = {}): Promise<MysqlServer> {
  if (ROOT === undefined) throw new Error('PORTOLAN_TEST_MYSQL9 names no folder')
  return startMysqlServer(product(ROOT), options)
}

const MYSQLD = [
  '/usr/sbin/mysqld',
  '--no-defaults',
  '--user=root',
  '--performance-schema=OFF',
  '--innodb-buffer-pool-size=32M',
  '--innodb-redo-log-capacity=8M',
  '--innodb-flush-log-at-trx-commit=0',
  '--sync-binlog=0',
  '--mysqlx=OFF',
  '--secure-file-priv=NULL',
]

const product = (root: string): MysqlProduct => ({
  name: 'mysql9',
  command: ['chroot', root, ...MYSQLD],
  env: process.env,
  home: join(root, 'srv'),
  root,
  dataTemplate: () => dataTemplate(root),
})

function dataTemplate(root: string): string {
  const template = join(root, 'srv', 'template-of-tests')
  if (existsSync(template)) return template
  const inside = `/srv/template-of-tests.${process.pid}`
  const building = join(root, inside)
  mkdirSync(building)
  writeFileSync(`${building}.sql`, ACCOUNTS.map(line => `${line};\n`).join(''))
  const args = [`--datadir=${inside}`, `--init-file=${inside}.sql`, '--initialize-insecure']
  execFileSync('chroot', [root, ...MYSQLD, ...args], { stdio: 'pipe' })
  rmSync(`${building}.sql`)
  // Every server has a number of its own.
  rmSync(join(building, 'auto.cnf'), { force: true })
  try {
    renameSync(building, template)
  } catch (error) {
    rmSync(building, { recursive: true, force: true })
    if (!existsSync(template)) throw error
  }
  return template
}
