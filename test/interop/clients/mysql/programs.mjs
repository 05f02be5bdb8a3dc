// The programs on clients of MySQL.
import { fileURLToPath } from 'node:url'
import { node } from '../recipes.mjs'

const at = name => fileURLToPath(new URL(name, import.meta.url))

export const mysqlPrograms = [
  node(at('node-mysql.mjs'), 'mysql2', { mysql2: '^3.20.0' }, { INTEROP_DRIVER: 'mysql2' }),
  node(at('node-mysql.mjs'), 'mysql', { mysql: '^2.18.1' }, { INTEROP_DRIVER: 'mysql' }),
  node(at('node-mariadb.mjs'), 'mariadb', { mariadb: '^3.4.0' }),
]
