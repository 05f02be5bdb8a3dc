// MariaDB's mtr suite as Debian installs it (mariadb-test, mariadb-test-data): its tests, what each wants of the server,
// and the data directory and settings that mysql-test-run.pl gives to its servers.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDir, once, sh, Unavailable } from '../lib/cache.mjs'

const SHARE = '/usr/share/mysql'
export const SUITE_DIR = join(SHARE, 'mysql-test')
const MAIN = join(SUITE_DIR, 'main')
const PLUGINS = '/usr/lib/mysql/plugin'

/** What mysqltest is told besides; `--ssl` wants a listener with a certificate. */
export const MODES = {
  plain: [],
  ps: ['--ps-protocol'],
  cursor: ['--cursor-protocol'],
  compress: ['--compress'],
  ssl: ['--ssl', '--protocol=tcp'],
}

/** What servers of the suite are given, for the tests of TLS and for `ssl`. */
export const TLS = Object.fromEntries(
  Object.entries({ ca: 'cacert.pem', cert: 'server-cert.pem', key: 'server-key.pem' }).map(([name, file]) => [
    name,
    join(SUITE_DIR, 'std_data', file),
  ]),
)

/** For CI, in `plain` and `ps`: short tests of what pooling, character sets and the protocol have to do with. */
export const QUICK =
  /^(ctype_(binary|latin1|utf8mb4_uca)|ddl_i18n_koi8r|errors|func_(group|in|like|set|str|test)|get_diagnostics|insert|last_value|loaddata|lock|multi_statement|null|parser|prepare|ps_\w+|read_only|select_found|set_statement\w*|sp-(cursor|dynamic|error|prelocking|row|vars)|strict|temp_table|timezone\d?|trans_read_only|type_(bit|date|decimal|float|time|varchar)|union|user_var|warnings|xml)$/

/** mysql-test-run.pl restarts and kills servers, has several of them and settings of their own: here there is one. */
const NEEDS_THE_RUNNER =
  /restart_mysqld|shutdown_mysqld|start_mysqld|kill_mysqld|expect_crash|\.expect\b|have_debug(_sync)?\.inc|master-slave\.inc|include\/have_wsrep|Must be run as|SERVER_MYPORT_2|MYSQLD_BOOTSTRAP|\$MYSQLD_CMD|no_valgrind_without_big|include\/big_test\.inc/

/** Where the server listens is ours to say. */
const ADDRESS = /^--(bind.address|skip.networking|port|socket)\b/

/** The version of the suite, which is the installed server's; throws Unavailable where it is not installed. */
export function suiteVersion() {
  if (!existsSync(MAIN)) throw new Unavailable('mariadb-test and mariadb-test-data are not installed')
  const version = /Ver (\S+?)-MariaDB/.exec(sh('mariadbd', ['--version']))?.[1]
  const suite = /Distrib (\S+?)-MariaDB/.exec(sh('mariadb-test', ['--version']))?.[1]
  if (version !== suite) throw new Unavailable(`mariadbd is ${version}, and its suite ${suite}`)
  return version
}

/** The names of the tests of the main suite that can run against one server which somebody else has started. */
export function suiteTests() {
  const disabled = new Set(readFileSync(join(MAIN, 'disabled.def'), 'utf8').match(/^[\w-]+(?= *:)/gm))
  return readdirSync(MAIN)
    .filter(file => file.endsWith('.test'))
    .map(file => file.slice(0, -'.test'.length))
    .filter(name => !disabled.has(name) && !existsSync(join(MAIN, `${name}.cnf`)))
    .filter(name => !NEEDS_THE_RUNNER.test(readFileSync(join(MAIN, `${name}.test`), 'latin1')))
    .filter(name => !testFacts(name).settings.some(option => ADDRESS.test(option)))
}

/** The files of a test, and the settings of the server that it asks for. */
export function testFacts(name) {
  const settings = ['.opt', '-master.opt']
    .map(ending => join(MAIN, name + ending))
    .filter(file => existsSync(file))
    .flatMap(file => readFileSync(file, 'latin1').replace(/^#.*$/gm, '').split(/\s+/))
    .filter(option => option.startsWith('-'))
  const timezone = settings.findLast(option => option.startsWith('--timezone='))?.slice('--timezone='.length)
  return {
    file: join(MAIN, `${name}.test`),
    result: join(MAIN, `${name}.result`),
    timezone: timezone ?? (settings.some(option => option.startsWith('--default-time-zone=')) ? 'GMT-8' : 'GMT-3'),
    settings: settings.filter(option => !option.startsWith('--timezone=')),
  }
}

/** What the tests find in their environment, and all that they start themselves. */
export function environment({ vardir, port, socket, timezone }) {
  const client = (program, ...args) => [program, `--defaults-file=${vardir}/my.cnf`, ...args].join(' ')
  const plugins = readdirSync(PLUGINS).filter(file => file.endsWith('.so'))
  return {
    PATH: process.env['PATH'],
    LC_ALL: 'C',
    TZ: timezone,
    MYSQL_TEST_DIR: SUITE_DIR,
    MTR_SUITE_DIR: MAIN,
    MYSQLTEST_VARDIR: vardir,
    MYSQLTEST_REAL_VARDIR: vardir,
    MYSQL_TMP_DIR: `${vardir}/tmp`,
    SECURE_LOAD_PATH: `${SUITE_DIR}/std_data`,
    DEFAULT_MASTER_PORT: port,
    MASTER_MYPORT: port,
    MASTER_MYSOCK: socket,
    MYSQL_BINDIR: '/usr',
    MYSQL_SHAREDIR: SHARE,
    MYSQL_CHARSETSDIR: `${SHARE}/charsets`,
    MYSQL: client('mariadb'),
    MYSQL_CHECK: client('mariadb-check'),
    MYSQL_DUMP: client('mariadb-dump', '--defaults-group-suffix=.1'),
    MYSQL_SLAP: client('mariadb-slap'),
    MYSQL_IMPORT: client('mariadb-import'),
    MYSQL_SHOW: client('mariadb-show'),
    MYSQL_BINLOG: client('mariadb-binlog', `--local-load=${vardir}/tmp`),
    MYSQL_UPGRADE: client('mariadb-upgrade'),
    MYSQLADMIN: client('mariadb-admin'),
    MYSQL_TEST: client(
      'mariadb-test',
      `--tmpdir=${vardir}/tmp`,
      '--silent',
      '--database=test',
      `--logdir=${vardir}/log`,
    ),
    EXE_MYSQL: '/usr/bin/mariadb',
    MARIADB_CONV: `mariadb-conv --character-sets-dir=${SHARE}/charsets`,
    MYSQL_MY_PRINT_DEFAULTS: '/usr/bin/my_print_defaults',
    MYSQL_TZINFO_TO_SQL: 'mariadb-tzinfo-to-sql',
    MY_PERROR: '/usr/bin/perror',
    REPLACE: '/usr/bin/replace',
    OPENSSL_CONF: `${SUITE_DIR}/lib/openssl.cnf`,
    ...Object.fromEntries(plugins.map(file => [`${file.slice(0, -3).toUpperCase()}_SO`, file])),
  }
}

/** An option file for server, clients and mysqltest, from those that the suite brings along. */
export function optionFile({ vardir, datadir, port, bind, socket }) {
  const include = name =>
    readFileSync(join(SUITE_DIR, 'include', name), 'utf8')
      .replaceAll('@ENV.MYSQLTEST_VARDIR', vardir)
      .replaceAll('@ENV.MYSQL_TEST_DIR', SUITE_DIR)
      .replace(/@ENV\.\w+/g, '')
  const files = { tmpdir: `${vardir}/tmp/mysqld.1`, 'log-error': `${vardir}/log/mysqld.1.err` }
  const logs = {
    'general-log-file': `${vardir}/mysqld.1/mysqld.log`,
    'slow-query-log-file': `${vardir}/mysqld.1/mysqld-slow.log`,
  }
  const server = {
    datadir,
    port,
    socket,
    ...files,
    ...logs,
    'bind-address': bind,
    'pid-file': `${vardir}/run/mysqld.1.pid`,
    'general-log': 1,
    'slow-query-log': 1,
    'server-id': 1,
    'character-sets-dir': `${SHARE}/charsets`,
    'lc-messages-dir': SHARE,
    'plugin-dir': PLUGINS,
  }
  const client = { user: 'root', host: 'localhost', port, socket, 'character-sets-dir': `${SHARE}/charsets` }
  const group = (name, options) =>
    `[${name}]\n${Object.entries(options)
      .map(([key, value]) => `${key}=${value}\n`)
      .join('')}`
  return [
    include('default_mysqld.cnf'),
    group('mysqld', server),
    include('default_client.cnf'),
    group('client', client),
    group('client.1', client),
  ].join('\n')
}

/** A data directory as mysql-test-run.pl makes it, to be copied for each server. */
export function templateData(version) {
  return once(`mtr-data-${version}`, ['system tables, mtr database'], dir => {
    mkdirSync(join(dir, 'mysql'))
    const table = name => readFileSync(join(SHARE, name), 'utf8')
    const sql = [
      'use mysql;\n',
      table('mysql_system_tables.sql'),
      table('mysql_performance_tables.sql'),
      table('mysql_system_tables_data.sql'),
      table('mysql_test_data_timezone.sql'),
      table('fill_help_tables.sql'),
      table('mysql_sys_schema.sql'),
      'CREATE DATABASE IF NOT EXISTS test CHARACTER SET latin1 COLLATE latin1_swedish_ci;\n',
      'ALTER TABLE mysql.gtid_slave_pos ENGINE=Aria transactional=0;\n',
      "DELETE FROM mysql.global_priv where user= '';\n",
      'CREATE DATABASE mtr CHARSET=latin1;\n',
      ...['mtr_warnings.sql', 'mtr_check.sql'].map(name =>
        plainSql(readFileSync(join(SUITE_DIR, 'include', name), 'utf8')),
      ),
    ]
    const args = [
      '--no-defaults',
      '--bootstrap',
      `--datadir=${dir}`,
      '--default-storage-engine=myisam',
      '--loose-innodb',
    ]
    args.push('--loose-innodb-log-file-size=10M', '--disable-sync-frm', '--character-set-server=latin1')
    args.push('--loose-disable-performance-schema', `--lc-messages-dir=${SHARE}`, ...asRoot())
    const { status, stderr } = spawnSync('mariadbd', args, { input: sql.join(''), encoding: 'utf8' })
    if (status !== 0) throw new Unavailable(`mariadbd --bootstrap: ${stderr.slice(-2000)}`)
  })
}

/** Servers refuse to run as root unless they are told so. */
export const asRoot = () => (process.getuid?.() === 0 ? ['--user=root'] : [])

/** --bootstrap knows no other delimiter: a statement is what ends at a semicolon at the end of a line. */
function plainSql(text) {
  let delimiter = ';'
  let sql = ''
  for (const line of text.split('\n')) {
    const changed = /^delimiter (.*?);?$/i.exec(line)
    if (changed) delimiter = changed[1] || ';'
    else if (line.endsWith(delimiter)) sql += `${line.slice(0, -delimiter.length)};\n`
    else if (!/^\s*--/.test(line)) sql += `${line} `
  }
  return sql
}

/** Where results of direct runs are kept. */
export function baselineFile(version, mode) {
  return join(cacheDir('baselines'), `mtr-${version}-${mode}.json`)
}
