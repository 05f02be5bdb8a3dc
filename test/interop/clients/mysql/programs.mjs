// The programs on clients of MySQL.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mysql9Tools } from '../../lib/mysql9.mjs'
import { DEBIAN_PYTHON, debianPython, goTests, installed, java, node, python, script } from '../recipes.mjs'

const at = name => fileURLToPath(new URL(name, import.meta.url))

const php = api =>
  script(
    at('mysql.php'),
    `php-${api}`,
    'php',
    ['-r', `new ReflectionExtension('${api === 'pdo' ? 'pdo_mysql' : api}'); echo 'PHP ' . PHP_VERSION;`],
    {
      INTEROP_API: api,
    },
  )
const perl = (name, driver) =>
  script(
    at('dbi.pl'),
    name,
    'perl',
    ['-e', `require DBD::${driver}; print 'DBD::${driver} ', DBD::${driver}->VERSION`],
    {
      INTEROP_DRIVER: driver,
    },
  )

const jdbc = (name, driver) =>
  java(
    at('Jdbc.java'),
    name,
    {
      'com.mysql:mysql-connector-j': '9.7.0',
      'org.mariadb.jdbc:mariadb-java-client': '3.5.11',
      'com.zaxxer:HikariCP': '7.1.0',
    },
    [driver],
  )

/** mysqlclient is Debian's, as it has to be compiled. */
const PYTHON_ORMS = ['sqlalchemy[asyncio]>=2', 'alembic', 'django>=4.2', 'pymysql>=1.1', 'asyncmy', 'aiomysql']

export const mysqlPrograms = [
  node(at('node-mysql.mjs'), 'mysql2', { mysql2: '^3.20.0' }, { INTEROP_DRIVER: 'mysql2' }),
  node(at('node-mysql.mjs'), 'mysql', { mysql: '^2.18.1' }, { INTEROP_DRIVER: 'mysql' }),
  node(at('node-mariadb.mjs'), 'mariadb', { mariadb: '^3.4.0' }),
  node(at('orm.mjs'), 'orm', { knex: '^3.1.0', 'drizzle-orm': '^0.45.0', sequelize: '^6.37.0', mysql2: '^3.20.0' }),
  php('mysqli'),
  php('pdo'),
  perl('dbd-mariadb', 'MariaDB'),
  perl('dbd-mysql', 'mysql'),
  debianPython(at('python_mysql.py'), 'pymysql', 'pymysql', { INTEROP_DRIVER: 'pymysql' }),
  debianPython(at('python_mysql.py'), 'mysqlclient', 'MySQLdb', { INTEROP_DRIVER: 'MySQLdb' }),
  python(at('python_orm.py'), 'python-orm', PYTHON_ORMS, {}, DEBIAN_PYTHON),
  {
    ...python(at('python_mysql.py'), 'connector-python', ['mysql-connector-python>=9'], {
      INTEROP_DRIVER: 'mysql.connector',
    }),
    isLong: true,
  },
  jdbc('connector-j', 'mysql'),
  jdbc('mariadb-connector-j', 'mariadb'),
  goTests(at('go-sql-driver.mjs'), 'go-sql-driver', 'github.com/go-sql-driver/mysql@latest'),
  installed(at('command-line.mjs'), 'mariadb-command-line', 'mariadb', { INTEROP_MARIADB_NAMES: '1' }),
  { ...installed(at('command-line.mjs'), 'mysql-command-line', 'mysql'), isLong: true },
]

/** The one that knows parsec, before a MariaDB whose accounts have that. */
export const mariadb11Programs = mysqlPrograms
  .filter(({ name }) => name === 'mariadb')
  .map(program => ({ ...program, name: `${program.name}-before-mariadb11` }))

/** Those that know the plugins of MySQL 9, before it, one that does not; and its own command line. */
export const mysql9Programs = [
  ...mysqlPrograms
    .filter(({ name }) =>
      [
        'mysql2',
        'mariadb',
        'connector-j',
        'mariadb-connector-j',
        'go-sql-driver',
        'php-mysqli',
        'php-pdo',
        'pymysql',
        'connector-python',
      ].includes(name),
    )
    .map(program => ({ ...program, name: `${program.name}-before-mysql9`, isLong: program.name !== 'mysql2' })),
  // Its only plugin is mysql_native_password, which MySQL 9 has no more.
  ...mysqlPrograms
    .filter(({ name }) => name === 'mysql')
    .map(program => ({ ...program, name: 'mysql-before-mysql9', isMended: true })),
  {
    name: 'mysql9-command-line',
    isLong: true,
    prepare: () =>
      installed(at('command-line.mjs'), '', join(mysql9Tools(), 'mysql'), { INTEROP_TOOLS: mysql9Tools() }).prepare(),
  },
]
