// The programs that come with the server: the client, dump and restore, import, slap, binlog; and sysbench.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { cases, until } from '../cases.mjs'
import { account, caFile } from './address.mjs'

const run = promisify(execFile)
/** Debian's names by default; of MySQL's own programs the folder is given. */
const tool = name =>
  process.env.INTEROP_TOOLS ? `${process.env.INTEROP_TOOLS}/${name}` : (MARIADB_NAMES[name] ?? name)
const MARIADB_NAMES = process.env.INTEROP_MARIADB_NAMES
  ? {
      mysql: 'mariadb',
      mysqldump: 'mariadb-dump',
      mysqlslap: 'mariadb-slap',
      mysqlbinlog: 'mariadb-binlog',
      mysqladmin: 'mariadb-admin',
      mysqlimport: 'mariadb-import',
      mysqlcheck: 'mariadb-check',
      mysqlshow: 'mariadb-show',
    }
  : {}
const NO_TLS = process.env.INTEROP_TOOLS ? [] : ['--skip-ssl']
/** What MySQL's own do not do unless they are told to, or do where others do not. */
const OPTIONS = process.env.INTEROP_TOOLS ? { mysql: ['--commands'], mysqldump: ['--set-gtid-purged=OFF'] } : {}
const login = (user = 'app', password = 'app') => [
  '--no-defaults',
  `--host=${account.host}`,
  `--port=${account.port}`,
  '--protocol=tcp',
  `--user=${user}`,
  `--password=${password}`,
]

async function execute(name, args, { input, how = [...login(), ...NO_TLS] } = {}) {
  const running = run(tool(name), [...how, ...(OPTIONS[name] ?? []), ...args], { maxBuffer: 1 << 28, timeout: 60_000 })
  running.child.stdin.on('error', () => {})
  running.child.stdin.end(input)
  return (await running).stdout
}

const client = (args, options) => execute('mysql', ['--batch', '--skip-column-names', ...args], options)
const sql = async (text, options) => (await client(['app'], { ...options, input: text })).trim()
const fails = (promise, pattern) =>
  assert.rejects(promise, error => {
    assert.match(error.stderr, pattern)
    return true
  })

function folder(after) {
  const dir = mkdtempSync('/tmp/portolan-interop-')
  after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** A database with something of everything. */
async function shop(name) {
  await sql(
    `DROP DATABASE IF EXISTS ${name}; CREATE DATABASE ${name} CHARACTER SET utf8mb4; USE ${name};
    CREATE TABLE customers (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50), photo BLOB);
    CREATE TABLE orders (id INT PRIMARY KEY, customer INT, total DECIMAL(10,2), FOREIGN KEY (customer) REFERENCES customers (id));
    INSERT INTO customers (name, photo) VALUES ('äöü 😀', x'00ff27'), ('O''Brien \\\\ "x"', NULL);
    INSERT INTO orders SELECT n, 1 + n % 2, n / 3 FROM (WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 900) SELECT n FROM r) AS q;
    CREATE VIEW totals AS SELECT name, SUM(total) AS total FROM customers JOIN orders ON customer = customers.id GROUP BY name;
    DELIMITER //
    CREATE PROCEDURE raise_all() BEGIN UPDATE orders SET total = total + 1; END//
    CREATE TRIGGER stamp BEFORE INSERT ON customers FOR EACH ROW BEGIN SET NEW.name = TRIM(NEW.name); END//
    DELIMITER ;`,
    { how: [...login(), ...NO_TLS, '--default-character-set=utf8mb4'] },
  )
}

const sums = name =>
  sql(`SELECT COUNT(*), SUM(total) FROM ${name}.orders; SELECT HEX(name), HEX(photo) FROM ${name}.customers`)

await cases({
  async login() {
    assert.equal(await sql('SELECT CURRENT_USER() LIKE "app@%", DATABASE()'), '1\tapp')
    assert.match(await execute('mysql', ['app'], { input: 'status' }), /Server version:\s+\d/)
    assert.match(await execute('mysql', ['-e', 'SHOW DATABASES', '--table']), /\| app /)
    assert.match(await execute('mysql', ['app', '-e', 'SELECT 1 AS a', '--xml']), /<field name="a">1<\/field>/)
  },
  async 'refused logins'() {
    await fails(client(['-e', 'SELECT 1'], { how: [...login('app', 'wrong'), ...NO_TLS] }), /ERROR 1045 \(28000\)/)
    await fails(client(['nowhere', '-e', 'SELECT 1']), /ERROR 1049 \(42000\)/)
  },
  async TLS() {
    const how = [
      ...login(),
      `--ssl-ca=${caFile}`,
      ...(process.env.INTEROP_TOOLS ? ['--ssl-mode=VERIFY_CA'] : ['--ssl']),
    ]
    assert.equal((await client(['-e', 'SELECT 5'], { how })).trim(), '5')
  },
  async compression() {
    assert.equal((await client(['--compress', '-e', "SELECT REPEAT('x', 1000000)"])).length, 1_000_001)
  },
  async 'a script with errors'() {
    assert.equal(await sql('SELECT 1; SELECT nothing; SELECT 2', { how: [...login(), ...NO_TLS, '--force'] }), '1\n2')
    await fails(sql('SELECT 1; SELECT nothing; SELECT 2'), /ERROR 1054 \(42S22\) at line 1: Unknown column/)
  },
  async 'session state within a script'() {
    const text = `SET @a = 5; CREATE TEMPORARY TABLE t (a INT); INSERT INTO t VALUES (@a), (6); BEGIN; SELECT SUM(a) FROM t; COMMIT;
      PREPARE p FROM 'SELECT ?'; EXECUTE p USING @a; SET NAMES latin1; SELECT @@character_set_client;
use mysql
SELECT DATABASE();`
    assert.equal(await sql(text), '11\n5\nlatin1\nmysql')
  },
  async 'warnings shown'() {
    const shown = await execute('mysql', ['app', '--show-warnings', '-v'], { input: 'DROP TABLE IF EXISTS nowhere;' })
    assert.match(shown, /Unknown table 'app.nowhere'/)
  },
  async 'names for completion and safe updates'() {
    assert.equal(
      (await client(['app', '--auto-rehash', '--safe-updates', '-e', 'SELECT @@sql_safe_updates'])).trim(),
      '1',
    )
  },
  async 'LOAD DATA LOCAL and import'(after) {
    const dir = folder(after)
    writeFileSync(`${dir}/imported.tsv`, Array.from({ length: 10_000 }, (_, i) => `${i}\tx${i}\n`).join(''))
    const how = [...login(), ...NO_TLS, '--local-infile=1']
    await sql('DROP TABLE IF EXISTS imported; CREATE TABLE imported (a INT, b TEXT)')
    await sql(`LOAD DATA LOCAL INFILE '${dir}/imported.tsv' INTO TABLE imported`, { how })
    const said = await execute('mysqlimport', ['--local', 'app', `${dir}/imported.tsv`])
    assert.match(said, /Records: 10000/)
    assert.equal(await sql('SELECT COUNT(*), SUM(a) FROM imported'), `20000\t${10_000 * 9_999}`)
  },
  async 'large rows'() {
    assert.equal(
      await sql(`SELECT LENGTH('${'x'.repeat(12_000_000)}')`, {
        how: [...login(), ...NO_TLS, '--max-allowed-packet=64M'],
      }),
      '12000000',
    )
  },
  async 'dump and restore'(after) {
    const dir = folder(after)
    await shop('shop')
    const before = await sums('shop')
    const ways = [
      ['--hex-blob'],
      ['--hex-blob', '--single-transaction', '--quick'],
      ['--hex-blob', '--skip-extended-insert', '--complete-insert'],
      ['--hex-blob', '--lock-all-tables', '--skip-opt'],
    ]
    for (const [i, way] of ways.entries()) {
      const routines = ['--routines', '--triggers', '--databases', 'shop']
      const dump = await execute('mysqldump', ['--default-character-set=utf8mb4', ...way, ...routines])
      assert.match(dump, /Dump completed/)
      writeFileSync(`${dir}/dump.sql`, dump.replaceAll('`shop`', `\`shop${i}\``))
      await client([], {
        input: readFileSync(`${dir}/dump.sql`),
        how: [...login(), ...NO_TLS, '--default-character-set=utf8mb4'],
      })
      assert.equal(await sums(`shop${i}`), before)
      await sql(`CALL shop${i}.raise_all(); SELECT COUNT(*) FROM shop${i}.totals; DROP DATABASE shop${i}`)
    }
  },
  async 'admin, show and check'() {
    assert.match(await execute('mysqladmin', ['ping']), /is alive/)
    assert.match(await execute('mysqladmin', ['status']), /Uptime: \d+/)
    assert.match(await execute('mysqladmin', ['extended-status']), /Threads_connected/)
    assert.match(await execute('mysqladmin', ['processlist']), /app/)
    assert.match(await execute('mysqlshow', ['mysql']), /user/)
    await sql('CREATE TABLE IF NOT EXISTS to_check (a INT)')
    assert.match(await execute('mysqlcheck', ['app', 'to_check']), /OK/)
  },
  async slap() {
    for (const more of [[], ['--auto-generate-sql-load-type=write'], ['--detach=5']]) {
      const said = await execute('mysqlslap', [
        '--auto-generate-sql',
        '--concurrency=10',
        '--iterations=1',
        '--number-of-queries=200',
        ...more,
      ])
      assert.match(said, /Average number of seconds/)
    }
  },
  async 'a query that is broken off'() {
    const other = sql('SELECT SLEEP(20), 5 FROM DUAL')
    const count =
      "SELECT COUNT(*) FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND info LIKE 'SELECT SLEEP(20), 5%'"
    await until(async () => (await sql(count)) === '1')
    const id = await sql(
      "SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP(20), 5%' AND id <> CONNECTION_ID()",
    )
    await sql(`KILL QUERY ${id}`)
    assert.ok(['1\t5'].includes(await other.catch(() => '1\t5')))
    await until(async () => (await sql(count)) === '0')
  },
  async 'binary log'() {
    const [log] = (await sql('SHOW BINARY LOGS')).split('\t')
    await sql('CREATE TABLE IF NOT EXISTS logged (a INT); INSERT INTO logged VALUES (4711)')
    const events = await execute('mysqlbinlog', ['--read-from-remote-server', '--verbose', log])
    assert.match(events, /logged/)
  },
  async sysbench() {
    const options = [
      `--mysql-host=${account.host}`,
      `--mysql-port=${account.port}`,
      '--mysql-user=app',
      '--mysql-password=app',
      '--mysql-db=app',
      '--mysql-ssl=off',
    ]
    const load = ['--tables=2', '--table-size=500', '--threads=8', '--events=400', '--time=30']
    const bench = async (test, ...args) =>
      (await run('sysbench', [test, ...options, ...load, ...args], { timeout: 60_000 })).stdout
    await bench('oltp_read_write', 'prepare')
    for (const mode of ['auto', 'disable']) {
      for (const test of ['oltp_point_select', 'oltp_read_write', 'oltp_read_only']) {
        const said = await bench(test, `--db-ps-mode=${mode}`, 'run')
        assert.match(said, /total number of events:\s+400/)
        assert.match(said, /ignored errors:\s+\d+/)
      }
    }
    await bench('oltp_read_write', 'cleanup')
  },
})
