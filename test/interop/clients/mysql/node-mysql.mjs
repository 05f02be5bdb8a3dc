// mysql and mysql2, which have their interface in common, as an application uses them.
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { cases, load, until } from '../cases.mjs'
import { account, BIG, ca, isMariadb } from './address.mjs'

const name = process.env.INTEROP_DRIVER
const driver = load(name)
const isMysql2 = name === 'mysql2'
let tables = 0

/** A connection whose methods answer with promises: `query` with the rows or the result. */
class Client {
  constructor(options) {
    this.raw = driver.createConnection({ ...account, ...options })
    this.raw.on('error', () => {})
  }

  #call(method, ...args) {
    return new Promise((resolve, reject) => {
      this.raw[method](...args, (error, result, fields) => {
        this.fields = fields
        if (error) reject(error)
        else resolve(result)
      })
    })
  }

  connect = () => this.#call('connect')
  query = (...args) => this.#call('query', ...args)
  execute = (...args) => this.#call('execute', ...args)
  prepare = sql => this.#call('prepare', sql)
  ping = () => this.#call('ping')
  changeUser = options => this.#call('changeUser', options)
  reset = () => this.#call('reset')
  end = () => this.#call('end')
  value = async (...args) => Object.values((await this.query(...args))[0])[0]
}

async function open(after, options) {
  const client = new Client(options)
  after(() => client.raw.destroy())
  await client.connect()
  return client
}

/** A new table: `${t} (columns)`. */
async function table(client, columns) {
  const t = `t${process.pid}_${++tables}`
  await client.query(`CREATE TABLE ${t} (${columns})`)
  return t
}

const rejects = (promise, errno, sqlState, message = /./) =>
  assert.rejects(promise, error => {
    assert.deepEqual([error.errno, error.sqlState?.replace('#', '')], [errno, sqlState])
    assert.match(error.sqlMessage ?? error.message, message)
    return true
  })

const common = {
  async login(after) {
    const client = await open(after)
    assert.match(await client.value('SELECT CURRENT_USER()'), /^app@/)
    assert.equal(await client.value('SELECT DATABASE()'), 'app')
    assert.match(await client.value('SELECT VERSION()'), /^\d+\.\d+/)
    await client.ping()
    await client.end()
  },
  async 'connection id'(after) {
    const client = await open(after)
    assert.equal(client.raw.threadId, await client.value('SELECT CONNECTION_ID()'))
  },
  async 'login without a database'(after) {
    const client = await open(after, { database: undefined })
    assert.equal(await client.value('SELECT DATABASE()'), null)
    await rejects(client.query('SELECT * FROM nowhere'), 1046, '3D000', /No database selected/)
    await client.query('USE app')
    assert.equal(await client.value('SELECT DATABASE()'), 'app')
  },
  async 'account without a password'(after) {
    const client = await open(after, { user: 'empty', password: undefined })
    assert.match(await client.value('SELECT CURRENT_USER()'), /^empty@/)
  },
  async 'wrong password'(after) {
    const wrong = open(after, { password: 'wrong' })
    await rejects(wrong, 1045, '28000', /^Access denied for user 'app'@'\S+' \(using password: YES\)$/)
  },
  async 'no password'(after) {
    await rejects(open(after, { password: undefined }), 1045, '28000', /using password: NO/)
  },
  async 'unknown user'(after) {
    await rejects(open(after, { user: 'nobody' }), 1045, '28000', /^Access denied for user 'nobody'@/)
  },
  async 'unknown database'(after) {
    await rejects(open(after, { database: 'nowhere' }), 1049, '42000', /Unknown database 'nowhere'/)
  },
  async TLS(after) {
    const client = await open(after, { ssl: { ca } })
    assert.equal(await client.value('SELECT 1'), 1)
  },
  async compression(after) {
    const client = await open(after, { compress: true })
    assert.equal(await client.value('SELECT REPEAT("x", 100000)'), 'x'.repeat(100_000))
    assert.ok(BIG.equals(await client.value('SELECT ?', [BIG])))
  },
  async 'character sets of the login'(after) {
    for (const charset of ['utf8mb4', 'UTF8_GENERAL_CI', 'LATIN1_SWEDISH_CI']) {
      const client = await open(after, { charset })
      const set = charset.split('_')[0].toLowerCase()
      assert.match(await client.value('SELECT @@character_set_client'), new RegExp(`^${set}`))
      assert.equal(await client.value("SELECT 'ä'"), 'ä')
    }
  },
  async 'types as text'(after) {
    const client = await open(after, { dateStrings: true, supportBigNumbers: true, bigNumberStrings: true })
    const columns =
      'i INT, u BIGINT UNSIGNED, d DECIMAL(20,5), f DOUBLE, dt DATETIME(6), da DATE, ti TIME, s VARCHAR(50)'
    // mysql knows no utf8mb4 by default.
    const text = isMysql2 ? 'ä😀' : 'äß'
    const t = await table(client, `${columns} CHARACTER SET utf8mb4, b BLOB, n INT, e ENUM('a','b'), bit BIT(8)`)
    const given = [
      -1,
      '18446744073709551615',
      '123.45600',
      1.5,
      '2020-02-29 12:34:56.789012',
      '2020-02-29',
      '-838:59:59',
    ]
    await client.query(`INSERT INTO ${t} VALUES (?)`, [[...given, text, Buffer.from([0, 255, 39]), null, 'b', 5]])
    const [row] = await client.query(`SELECT * FROM ${t}`)
    assert.deepEqual(Object.values(row).slice(0, 8), [...given.map((v, i) => (i === 1 ? String(v) : v)), text])
    assert.deepEqual([...row.b, row.n, row.e, ...row.bit], [0, 255, 39, null, 'b', 5])
    assert.deepEqual([client.fields[0].name, client.fields[0].table, client.fields[0].orgTable], ['i', t, t])
  },
  async '1,000 columns'(after) {
    const client = await open(after)
    const list = Array.from({ length: 1_000 }, (_, i) => `${i} AS c${i}`)
    const [row] = await client.query(`SELECT ${list}`)
    assert.equal(row.c999, 999)
    assert.equal(client.fields.length, 1_000)
  },
  async errors(after) {
    const client = await open(after)
    await rejects(client.query('SELEC 1'), 1064, '42000', /You have an error in your SQL syntax/)
    await rejects(client.query('SELECT * FROM app.nowhere'), 1146, '42S02', /Table 'app.nowhere' doesn't exist/)
    await rejects(client.query('SELECT nothing'), 1054, '42S22', /Unknown column 'nothing'/)
    await rejects(client.query(''), 1065, '42000', /Query was empty/)
    const t = await table(client, 'id INT PRIMARY KEY')
    await client.query(`INSERT INTO ${t} VALUES (1)`)
    await rejects(client.query(`INSERT INTO ${t} VALUES (1)`), 1062, '23000', /Duplicate entry '1' for key/)
    await rejects(client.query("SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'own'"), 1644, '45000', /^own$/)
    assert.equal(await client.value('SELECT 1'), 1)
  },
  async warnings(after) {
    const client = await open(after)
    await client.query("SET sql_mode = ''")
    const t = await table(client, 'a TINYINT')
    const result = await client.query(`INSERT INTO ${t} VALUES (1000), (2000)`)
    assert.equal(result.warningCount ?? result.warningStatus, 2)
    const warnings = await client.query('SHOW WARNINGS')
    assert.deepEqual([warnings.length, warnings[0].Code], [2, 1264])
    assert.equal(await client.value('SELECT @@warning_count'), 2)
    await client.query(`SELECT * FROM ${t}`)
    assert.equal((await client.query('SHOW WARNINGS')).length, 0)
    await client.query('DROP TABLE IF EXISTS app.nowhere')
    assert.equal(Object.values((await client.query('SHOW COUNT(*) WARNINGS'))[0])[0], 1)
  },
  async 'last insert id'(after) {
    const client = await open(after)
    const other = await open(after)
    const t = await table(client, 'id INT AUTO_INCREMENT PRIMARY KEY, a INT')
    assert.equal((await client.query(`INSERT INTO ${t} (a) VALUES (1), (2), (3)`)).insertId, 1)
    assert.equal((await other.query(`INSERT INTO ${t} (a) VALUES (1)`)).insertId, 4)
    assert.equal(await client.value('SELECT LAST_INSERT_ID()'), 1)
    assert.equal(await other.value('SELECT LAST_INSERT_ID()'), 4)
    await client.query(`UPDATE ${t} SET a = LAST_INSERT_ID(77) WHERE id = 1`)
    assert.equal(await client.value('SELECT LAST_INSERT_ID()'), 77)
  },
  async 'affected, changed and found rows'(after) {
    const client = await open(after)
    const t = await table(client, 'id INT PRIMARY KEY, a INT')
    await client.query(`INSERT INTO ${t} VALUES (1, 1), (2, 2)`)
    const result = await client.query(`UPDATE ${t} SET a = 2`)
    assert.deepEqual([result.affectedRows, result.changedRows], [2, 1])
    const other = await open(after, { flags: '-FOUND_ROWS' })
    assert.equal((await other.query(`UPDATE ${t} SET a = 2`)).affectedRows, 0)
    await other.query(`UPDATE ${t} SET a = 3 WHERE id = 1`)
    assert.equal(await other.value('SELECT ROW_COUNT()'), 1)
    await client.query(`SELECT SQL_CALC_FOUND_ROWS id FROM ${t} LIMIT 1`)
    assert.equal(await client.value('SELECT FOUND_ROWS()'), 2)
  },
  async transactions(after) {
    const [client, other] = [await open(after), await open(after)]
    const t = await table(client, 'a INT')
    await client.query('START TRANSACTION')
    await client.query(`INSERT INTO ${t} VALUES (1)`)
    await client.query('SAVEPOINT s')
    await client.query(`INSERT INTO ${t} VALUES (2)`)
    assert.equal(await other.value(`SELECT COUNT(*) FROM ${t}`), 0)
    await client.query('ROLLBACK TO SAVEPOINT s')
    await client.query('RELEASE SAVEPOINT s')
    await client.query('COMMIT')
    assert.equal(await other.value(`SELECT SUM(a) FROM ${t}`), isMysql2 ? '1' : 1)
    await client.query('BEGIN')
    await client.query(`DELETE FROM ${t}`)
    await client.query('ROLLBACK')
    assert.equal(await client.value(`SELECT COUNT(*) FROM ${t}`), 1)
  },
  async 'transaction characteristics'(after) {
    const client = await open(after)
    const t = await table(client, 'a INT')
    await client.query('SET TRANSACTION READ ONLY')
    await client.query('START TRANSACTION')
    await rejects(client.query(`INSERT INTO ${t} VALUES (1)`), 1792, '25006')
    await client.query('ROLLBACK')
    await client.query(`INSERT INTO ${t} VALUES (1)`)
    await client.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED')
    const variable = isMariadb ? '@@tx_isolation' : '@@transaction_isolation'
    assert.equal(await client.value(`SELECT ${variable}`), 'READ-COMMITTED')
  },
  async 'autocommit off'(after) {
    const [client, other] = [await open(after), await open(after)]
    const t = await table(client, 'a INT')
    await client.query('SET autocommit = 0')
    await client.query(`INSERT INTO ${t} VALUES (1)`)
    assert.equal(await other.value(`SELECT COUNT(*) FROM ${t}`), 0)
    await client.query('COMMIT')
    assert.equal(await other.value(`SELECT COUNT(*) FROM ${t}`), 1)
    assert.equal(await client.value('SELECT @@autocommit'), 0)
  },
  async 'deadlock and lock wait'(after) {
    const [client, other] = [await open(after), await open(after)]
    const t = await table(client, 'id INT PRIMARY KEY')
    await client.query(`INSERT INTO ${t} VALUES (1), (2)`)
    await other.query('SET innodb_lock_wait_timeout = 1')
    await client.query('BEGIN')
    await client.query(`SELECT * FROM ${t} WHERE id = 1 FOR UPDATE`)
    await rejects(other.query(`SELECT * FROM ${t} WHERE id = 1 FOR UPDATE`), 1205, 'HY000')
    await other.query('SET innodb_lock_wait_timeout = 20')
    await other.query('BEGIN')
    await other.query(`SELECT * FROM ${t} WHERE id = 2 FOR UPDATE`)
    const both = await Promise.allSettled([
      client.query(`SELECT * FROM ${t} WHERE id = 2 FOR UPDATE`),
      other.query(`SELECT * FROM ${t} WHERE id = 1 FOR UPDATE`),
    ])
    assert.deepEqual(both.map(one => one.reason?.errno ?? 0).sort(), [0, 1213])
  },
  async 'temporary tables'(after) {
    const [client, other] = [await open(after), await open(after)]
    await client.query('CREATE TEMPORARY TABLE temporary_one (a INT)')
    await client.query('INSERT INTO temporary_one VALUES (1)')
    await rejects(other.query('SELECT * FROM temporary_one'), 1146, '42S02')
    assert.equal(await client.value('SELECT a FROM temporary_one'), 1)
    await client.query('DROP TEMPORARY TABLE temporary_one')
  },
  async 'user variables'(after) {
    const [client, other] = [await open(after), await open(after)]
    await client.query("SET @x = 'ä', @y := 5")
    assert.deepEqual({ ...(await client.query('SELECT @x AS x, @y AS y'))[0] }, { x: 'ä', y: 5 })
    assert.equal(await other.value('SELECT @x'), null)
    await client.query('SELECT 7 INTO @z')
    assert.equal(await client.value('SELECT @z'), 7)
  },
  async 'session variables'(after) {
    const client = await open(after)
    await client
      .query("SET time_zone = '+03:00', SESSION sql_mode = 'ANSI_QUOTES', @@max_execution_time = 0")
      .catch(() => {})
    await client.query("SET time_zone = '+03:00', SESSION sql_mode = 'ANSI_QUOTES'")
    assert.equal(await client.value('SELECT @@time_zone'), '+03:00')
    await rejects(client.query('SELECT "x"'), 1054, '42S22')
    await client.query('SET NAMES latin1 COLLATE latin1_german1_ci, sql_mode = DEFAULT')
    assert.equal(await client.value('SELECT @@collation_connection'), 'latin1_german1_ci')
    await rejects(client.query('SET no_such_variable = 1'), 1193, 'HY000', /Unknown system variable/)
  },
  async NO_BACKSLASH_ESCAPES(after) {
    const client = await open(after)
    await client.query("SET sql_mode = 'NO_BACKSLASH_ESCAPES'")
    assert.equal(await client.value("SELECT 'a\\'"), 'a\\')
    assert.equal(await client.value("SELECT '\\' AS `x`, '@y' AS z"), '\\')
  },
  async 'named locks'(after) {
    const [client, other] = [await open(after), await open(after)]
    assert.equal(await client.value("SELECT GET_LOCK('interop', 0)"), 1)
    assert.equal(await other.value("SELECT GET_LOCK('interop', 0)"), 0)
    assert.equal(await client.value("SELECT RELEASE_LOCK('interop')"), 1)
    assert.equal(await other.value("SELECT GET_LOCK('interop', 5)"), 1)
  },
  async 'lock tables'(after) {
    const [client, other] = [await open(after), await open(after)]
    const t = await table(client, 'a INT')
    await client.query(`LOCK TABLES ${t} WRITE`)
    const reading = other.query(`SELECT * FROM ${t}`)
    await client.query(`INSERT INTO ${t} VALUES (1)`)
    await rejects(client.query('SELECT * FROM mysql.db'), 1100, 'HY000')
    await client.query('UNLOCK TABLES')
    assert.equal((await reading).length, 1)
  },
  async 'statements prepared as text'(after) {
    const client = await open(after)
    await client.query("PREPARE p FROM 'SELECT ? + 1 AS n'")
    await client.query('SET @a = 41')
    assert.equal(await client.value('EXECUTE p USING @a'), 42)
    await client.query('DEALLOCATE PREPARE p')
    await rejects(client.query('EXECUTE p'), 1243, 'HY000')
  },
  async 'several statements'(after) {
    const client = await open(after, { multipleStatements: true })
    const results = await client.query("SELECT 1 AS a; SET @m = 5; SELECT @m AS b, 'x;y' AS c")
    assert.deepEqual([results[0][0].a, results[2][0].b, results[2][0].c], [1, 5, 'x;y'])
    await rejects(client.query('SELECT 1; SELECT nothing; SELECT 2'), 1054, '42S22')
    assert.equal(await client.value('SELECT 1'), 1)
    const single = await open(after)
    await rejects(single.query('SELECT 1; SELECT 2'), 1064, '42000')
  },
  async 'stored procedures'(after) {
    const client = await open(after)
    const p = `p${process.pid}`
    await client.query(`CREATE PROCEDURE ${p} (IN a INT, OUT b INT)
      BEGIN SELECT a; SELECT a + 1 AS next, 'x' AS x; SET b = a * 2; END`)
    const results = await client.query(`CALL ${p}(20, @b)`)
    assert.deepEqual([results[0][0].a, results[1][0].next], [20, 21])
    assert.equal(await client.value('SELECT @b'), 40)
    await client.query(`DROP PROCEDURE ${p}`)
  },
  async '20 MB'(after) {
    const client = await open(after)
    const t = await table(client, 'b LONGBLOB')
    await client.query(`INSERT INTO ${t} VALUES (?)`, [BIG])
    assert.ok(BIG.equals(await client.value(`SELECT b FROM ${t}`)))
    assert.equal(await client.value(`SELECT LENGTH(b) FROM ${t}`), BIG.length)
  },
  async 'values around the limit of a packet'(after) {
    const client = await open(after)
    // Of what arrives only: mysql2 itself does not stand all of these lengths.
    for (const length of isMysql2 ? [] : [0xffffff - 5, 0xffffff - 4, 0xffffff - 1, 0xffffff, 0xffffff + 1])
      assert.equal((await client.value(`SELECT REPEAT('x', ${length})`)).length, length)
    const head = "SELECT LENGTH('"
    for (const total of [0xffffff - 1, 0xffffff, 0xffffff + 1]) {
      const length = total - 1 - head.length - 2
      assert.equal(await client.value(`${head}${'y'.repeat(length)}')`), length)
    }
  },
  async '100,000 rows as a stream'(after) {
    const client = await open(after)
    const t = await table(client, 'id INT AUTO_INCREMENT PRIMARY KEY, s VARCHAR(20)')
    await client.query(`INSERT INTO ${t} (s) SELECT SEQ FROM (WITH RECURSIVE r AS
      (SELECT 1 AS SEQ UNION ALL SELECT SEQ + 1 FROM r WHERE SEQ < 1000) SELECT SEQ FROM r) AS q`)
    const stream = client.raw.query(`SELECT a.id, b.s FROM ${t} a, ${t} b LIMIT 100000`).stream({ highWaterMark: 5 })
    let rows = 0
    await new Promise((resolve, reject) => {
      stream.on('end', resolve).on('error', reject)
      stream.on('data', row => {
        assert.ok(row.id > 0)
        // A reader that stops now and then.
        if (++rows % 20_000 !== 0) return
        stream.pause()
        setTimeout(() => stream.resume(), 20)
      })
    })
    assert.equal(rows, 100_000)
    assert.equal(await client.value('SELECT 1'), 1)
  },
  async 'left in the middle of a result'(after) {
    const client = await open(after)
    await new Promise(resolve => {
      client.raw
        .query(
          "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 900) SELECT a.n, REPEAT('x', 500) FROM r a, r b",
        )
        .once('result', () => resolve())
    })
    client.raw.destroy()
    assert.equal(await (await open(after)).value('SELECT 1'), 1)
  },
  async '1,000 statements at once'(after) {
    const client = await open(after)
    const answers = await Promise.all(Array.from({ length: 1_000 }, (_, i) => client.value('SELECT ?', [i])))
    assert.ok(answers.every((answer, i) => answer === i))
  },
  async 'statements behind one that fails'(after) {
    const client = await open(after)
    const all = await Promise.allSettled([
      client.value('SELECT 1'),
      client.query('SELECT nothing'),
      client.value('SELECT 2'),
    ])
    assert.deepEqual(
      all.map(one => one.value ?? one.reason.errno),
      [1, 1054, 2],
    )
  },
  async 'LOAD DATA LOCAL'(after) {
    const lines = Array.from({ length: 20_000 }, (_, i) => `${i}\tline ${i}\n`).join('')
    const client = await open(after, isMysql2 ? { infileStreamFactory: () => Readable.from([Buffer.from(lines)]) } : {})
    const t = await table(client, 'a INT, b VARCHAR(20)')
    const file = isMysql2 ? 'any' : await temporary(after, lines)
    const result = await client.query(`LOAD DATA LOCAL INFILE '${file}' INTO TABLE ${t}`)
    assert.equal(result.affectedRows, 20_000)
    assert.equal(await client.value(`SELECT b FROM ${t} WHERE a = 19999`), 'line 19999')
  },
  async 'LOAD DATA LOCAL of a file that is not there'(after) {
    const options = isMysql2
      ? {
          infileStreamFactory: path =>
            new (class extends Readable {
              _read() {
                this.destroy(Object.assign(new Error(`ENOENT: ${path}`)))
              }
            })(),
        }
      : {}
    const client = await open(after, options)
    const t = await table(client, 'a INT')
    await assert.rejects(client.query(`LOAD DATA LOCAL INFILE '/no/such/file' INTO TABLE ${t}`), /ENOENT|no such file/)
    if (!isMysql2) assert.equal(await client.value('SELECT 1'), 1)
  },
  async 'change of the user'(after) {
    const client = await open(after)
    await client.query("SET @x = 1, SESSION sql_mode = 'ANSI'")
    await client.query('CREATE TEMPORARY TABLE leftover (a INT)')
    await client.changeUser(
      isMysql2
        ? { user: 'empty', password: '', database: 'mysql' }
        : { user: 'native', password: 'native-secret', database: 'mysql' },
    )
    assert.match(await client.value('SELECT CURRENT_USER()'), isMysql2 ? /^empty@/ : /^native@/)
    assert.equal(await client.value('SELECT DATABASE()'), 'mysql')
    assert.equal(await client.value('SELECT @x'), null)
    await client.changeUser({ user: 'app', password: 'app', database: 'app' })
    await rejects(client.query('SELECT * FROM leftover'), 1146, '42S02')
    await rejects(client.changeUser({ user: 'app', password: 'wrong' }), 1045, '28000')
  },
  async 'killed query'(after) {
    const [client, other] = [await open(after), await open(after)]
    const sleeping = client.query('SELECT SLEEP(15), 1 FROM DUAL WHERE 1 = 1')
    const outcome = sleeping.then(
      rows => Object.values(rows[0])[0],
      error => error.errno,
    )
    await until(async () => (await running(other, 'SLEEP(15), 1')) === 1)
    await other.query(`KILL QUERY ${client.raw.threadId}`)
    // A SLEEP that is killed answers 1 or with an error, depending on the server.
    assert.ok([1, 1317].includes(await outcome))
    assert.equal(await client.value('SELECT 1'), 1)
  },
  async 'killed connection'(after) {
    const [client, other] = [await open(after), await open(after)]
    const ended = new Promise(resolve => client.raw.on('end', resolve).on('error', resolve))
    await other.query(`KILL ${client.raw.threadId}`)
    await ended
    await assert.rejects(client.query('SELECT 1'))
    await rejects(other.query('KILL 4294967000'), 1094, 'HY000', /Unknown thread id/)
  },
  async 'a client that goes ends its query'(after) {
    const [client, other] = [await open(after), await open(after)]
    client.query('SELECT SLEEP(30), 2 FROM DUAL WHERE 2 = 2').catch(() => {})
    await until(async () => (await running(other, 'SLEEP(30), 2')) === 1)
    await other.query(`KILL ${client.raw.threadId}`)
    await until(async () => (await running(other, 'SLEEP(30), 2')) === 0)
  },
  async pool(after) {
    const pool = driver.createPool({ ...account, connectionLimit: 20 })
    after(() => new Promise(resolve => pool.end(resolve)))
    const query = (...args) =>
      new Promise((resolve, reject) => pool.query(...args, (error, rows) => (error ? reject(error) : resolve(rows))))
    const rows = await Promise.all(Array.from({ length: 500 }, (_, i) => query('SELECT ? AS a', [i])))
    assert.ok(rows.every(([row], i) => row.a === i))
    // A connection that was killed is replaced.
    const killer = await open(after)
    const ids = await Promise.all(Array.from({ length: 20 }, () => query('SELECT CONNECTION_ID() AS id')))
    for (const id of new Set(ids.map(([row]) => row.id))) await killer.query(`KILL ${id}`).catch(() => {})
    await until(() =>
      query('SELECT 1').then(
        () => true,
        () => false,
      ),
    )
  },
}

/** How many others run a statement that contains this. */
async function running(client, text) {
  return await client.value(
    'SELECT COUNT(*) FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND info LIKE ?',
    [`SELECT ${text}%`],
  )
}

async function temporary(after, text) {
  const { mkdtempSync, rmSync, writeFileSync } = await import('node:fs')
  const dir = mkdtempSync('/tmp/portolan-interop-infile-')
  after(() => rmSync(dir, { recursive: true }))
  writeFileSync(`${dir}/data`, text)
  return `${dir}/data`
}

const onlyMysql2 = {
  async 'every plugin'(after) {
    const other = isMariadb
      ? { user: 'native', password: 'native-secret' }
      : { user: 'sha256', password: 'sha256-secret' }
    for (const ssl of isMariadb ? [undefined, { ca }] : [{ ca }]) {
      const client = await open(after, { ...other, ssl })
      assert.match(await client.value('SELECT CURRENT_USER()'), new RegExp(`^${other.user}@`))
    }
  },
  async 'types of prepared statements'(after) {
    const client = await open(after, { supportBigNumbers: true, bigNumberStrings: true })
    const t = await table(
      client,
      'i INT, d DECIMAL(20,5), f DOUBLE, dt DATETIME(3), s TEXT CHARACTER SET utf8mb4, b BLOB, n INT, j JSON',
    )
    const date = new Date('2020-02-29T12:34:56.789Z')
    const given = [-5, '1.50000', 2.25, date, 'ä😀', Buffer.from([0, 1, 255]), null, JSON.stringify({ a: [1] })]
    await client.execute(`INSERT INTO ${t} VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, given)
    const [row] = await client.execute(`SELECT * FROM ${t} WHERE i = ?`, [-5])
    assert.deepEqual([row.i, row.d, row.f, row.dt, row.s, row.b, row.n], given.slice(0, 7))
    assert.deepEqual(typeof row.j === 'string' ? JSON.parse(row.j) : row.j, { a: [1] })
  },
  async 'a prepared statement many times'(after) {
    const [client, other] = [await open(after), await open(after)]
    const statement = await client.prepare('SELECT ? + ? AS sum')
    const execute = values =>
      new Promise((resolve, reject) =>
        statement.execute(values, (error, rows) => (error ? reject(error) : resolve(rows))),
      )
    for (let i = 0; i < 50; i++) {
      await other.query(`SET @i = ${i}`)
      assert.equal((await execute([i, 1]))[0].sum, i + 1)
      assert.equal((await execute([String(i), '1.5']))[0].sum, i + 1.5)
    }
    statement.close()
    assert.equal(await client.value('SELECT 1'), 1)
  },
  async '500 prepared statements'(after) {
    const client = await open(after, { maxPreparedStatements: 50 })
    for (let i = 0; i < 500; i++) assert.equal((await client.execute(`SELECT ? AS c${i}`, [i]))[0][`c${i}`], i)
    assert.equal((await client.execute('SELECT ? AS c0', [7]))[0].c0, 7)
  },
  async 'prepared statement of a table that changes'(after) {
    const client = await open(after)
    const t = await table(client, 'a INT')
    await client.query(`INSERT INTO ${t} VALUES (1)`)
    assert.deepEqual({ ...(await client.execute(`SELECT * FROM ${t}`))[0] }, { a: 1 })
    await client.query(`ALTER TABLE ${t} ADD COLUMN b INT DEFAULT 2`)
    assert.deepEqual({ ...(await client.execute(`SELECT * FROM ${t}`))[0] }, { a: 1, b: 2 })
  },
  async 'errors of prepared statements'(after) {
    const client = await open(after)
    await rejects(client.execute('SELECT nothing'), 1054, '42S22')
    await rejects(client.execute('SELECT ? FROM nowhere', [1]), 1146, '42S02')
    const t = await table(client, 'id INT PRIMARY KEY')
    await client.execute(`INSERT INTO ${t} VALUES (?)`, [1])
    await rejects(client.execute(`INSERT INTO ${t} VALUES (?)`, [1]), 1062, '23000')
    assert.equal((await client.execute('SELECT ? AS a', [3]))[0].a, 3)
  },
  async 'stored procedures of prepared statements'(after) {
    const client = await open(after)
    const p = `q${process.pid}`
    await client.query(`CREATE PROCEDURE ${p} (IN a INT) BEGIN SELECT a; SELECT a + 1 AS next; END`)
    const results = await client.execute(`CALL ${p}(?)`, [20])
    assert.deepEqual([results[0][0].a, results[1][0].next], [20, 21])
  },
  async '20 MB of a prepared statement'(after) {
    const client = await open(after)
    const t = await table(client, 'b LONGBLOB')
    await client.execute(`INSERT INTO ${t} VALUES (?)`, [BIG])
    assert.ok(BIG.equals((await client.execute(`SELECT b FROM ${t}`))[0].b))
  },
  async 'reset of the connection'(after) {
    const client = await open(after)
    await client.query("SET @x = 1, time_zone = '+05:00'")
    const statement = await client.prepare('SELECT 1')
    await client.reset()
    assert.equal(await client.value('SELECT @x'), null)
    assert.notEqual(await client.value('SELECT @@time_zone'), '+05:00')
    await assert.rejects(
      new Promise((resolve, reject) => statement.execute([], error => (error ? reject(error) : resolve()))),
      { errno: 1243 },
    )
    assert.equal((await client.execute('SELECT ? AS a', [3]))[0].a, 3)
  },
  async 'transactions of prepared statements'(after) {
    const [client, other] = [await open(after), await open(after)]
    const t = await table(client, 'a INT')
    for (const end of ['COMMIT', 'ROLLBACK']) {
      await client.query('BEGIN')
      for (let i = 0; i < 20; i++) await client.execute(`INSERT INTO ${t} VALUES (?)`, [i])
      assert.equal(await other.value(`SELECT COUNT(*) FROM ${t} WHERE ? = ?`, [end, 'COMMIT']), 0)
      await client.query(end)
    }
    assert.equal(await other.value(`SELECT COUNT(*) FROM ${t}`), 20)
  },
}

await cases(isMysql2 ? { ...common, ...onlyMysql2 } : common)
