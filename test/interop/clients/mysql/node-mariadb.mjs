// mariadb, the connector of MariaDB for Node, as an application uses it.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cases, load, until } from '../cases.mjs'
import { account, BIG, ca, isMariadb } from './address.mjs'

const mariadb = load('mariadb')
// Where the server's plugin sends the password in full over a connection in the clear, its key has to be asked for.
const options = { ...account, allowPublicKeyRetrieval: true, insertIdAsNumber: true, bigIntAsNumber: true }
let tables = 0

async function open(after, more = {}) {
  const connection = await mariadb.createConnection({ ...options, ...more })
  connection.on('error', () => {})
  after(() => connection.destroy())
  return connection
}

async function table(connection, columns) {
  const t = `n${process.pid}_${++tables}`
  await connection.query(`CREATE TABLE ${t} (${columns})`)
  return t
}

const value = async (connection, sql, values) => Object.values((await connection.query(sql, values))[0])[0]
const rejects = (promise, errno, sqlState) => assert.rejects(promise, { errno, sqlState })

await cases({
  async login(after) {
    const connection = await open(after)
    assert.match(await value(connection, 'SELECT CURRENT_USER()'), /^app@/)
    assert.equal(connection.threadId, await value(connection, 'SELECT CONNECTION_ID()'))
    assert.match(connection.serverVersion(), /^\d+\.\d+/)
    assert.equal(connection.info.isMariaDB(), isMariadb)
    await connection.ping()
    await connection.end()
  },
  async 'other accounts'(after) {
    const connection = await open(after, { user: 'empty', password: '' })
    assert.match(await value(connection, 'SELECT CURRENT_USER()'), /^empty@/)
    const other = isMariadb
      ? { user: 'native', password: 'native-secret' }
      : { user: 'sha256', password: 'sha256-secret' }
    assert.match(await value(await open(after, other), 'SELECT CURRENT_USER()'), new RegExp(`^${other.user}@`))
  },
  async 'wrong password'(after) {
    await rejects(open(after, { password: 'wrong' }), 1045, '28000')
    await rejects(open(after, { user: 'nobody' }), 1045, '28000')
  },
  async 'unknown database'(after) {
    await rejects(open(after, { database: 'nowhere' }), 1049, '42000')
  },
  async TLS(after) {
    assert.equal(await value(await open(after, { ssl: { ca } }), 'SELECT 1'), 1)
  },
  async compression(after) {
    const connection = await open(after, { compress: true })
    assert.ok(BIG.equals(await value(connection, 'SELECT ?', [BIG])))
  },
  async 'initial statements'(after) {
    const connection = await open(after, {
      initSql: ['SET @first = 1', 'SET @second = 2'],
      sessionVariables: { wait_timeout: 1234 },
      collation: 'utf8mb4_unicode_ci',
      timezone: '+02:00',
    })
    assert.equal(await value(connection, 'SELECT @first + @second'), 3)
    assert.equal(await value(connection, 'SELECT @@wait_timeout'), 1234)
    assert.equal(await value(connection, 'SELECT @@collation_connection'), 'utf8mb4_unicode_ci')
  },
  async 'types as text and prepared'(after) {
    const connection = await open(after)
    const t = await table(
      connection,
      'i INT, u BIGINT UNSIGNED, d DECIMAL(20,5), f DOUBLE, dt DATETIME(6), s TEXT CHARACTER SET utf8mb4, b BLOB, j JSON',
    )
    const date = new Date('2020-02-29T12:34:56.789Z')
    const given = [-1, 2n ** 63n, '1.50000', 2.5, date, 'ä😀', Buffer.from([0, 255]), JSON.stringify({ a: 1 })]
    await connection.query(`INSERT INTO ${t} VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, given)
    await connection.execute(`INSERT INTO ${t} VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, given)
    for (const rows of [await connection.query(`SELECT * FROM ${t}`), await connection.execute(`SELECT * FROM ${t}`)]) {
      assert.equal(rows.length, 2)
      for (const row of rows) {
        assert.deepEqual([row.i, row.d, row.f, row.dt, row.s, row.b], [-1, '1.50000', 2.5, date, 'ä😀', given[6]])
        assert.deepEqual(row.j, { a: 1 })
      }
    }
  },
  async batches(after) {
    const connection = await open(after)
    const t = await table(connection, 'id INT AUTO_INCREMENT PRIMARY KEY, a INT, s VARCHAR(50)')
    const rows = Array.from({ length: 5_000 }, (_, i) => [i, `text ${i}`])
    // With the bulk command of MariaDB, or as one statement after the other.
    const result = await connection.batch(`INSERT INTO ${t} (a, s) VALUES (?, ?)`, rows)
    const affected = Array.isArray(result)
      ? result.reduce((sum, one) => sum + one.affectedRows, 0)
      : result.affectedRows
    assert.equal(affected, 5_000)
    assert.equal(await value(connection, `SELECT SUM(a) FROM ${t}`), String((5_000 * 4_999) / 2))
    await connection.batch(`UPDATE ${t} SET a = ? WHERE id = ?`, [
      [7, 1],
      [8, 2],
      [null, 3],
    ])
    assert.equal(await value(connection, `SELECT a FROM ${t} WHERE id = 2`), 8)
    assert.equal(await value(connection, `SELECT a FROM ${t} WHERE id = 3`), null)
    const text = 'x'.repeat(100_000)
    await connection.batch(
      `INSERT INTO ${t} (a, s) VALUES (?, LEFT(?, 5))`,
      Array.from({ length: 400 }, (_, i) => [i, text]),
    )
    await assert.rejects(connection.batch(`INSERT INTO ${t} (id) VALUES (?)`, [[100_000], [1]]), { errno: 1062 })
    assert.equal(await value(connection, 'SELECT 1'), 1)
  },
  async 'statements prepared and sent at once'(after) {
    const [connection, other] = [await open(after, { pipelining: true }), await open(after)]
    for (let i = 0; i < 100; i++) {
      await other.query('SET @i = 1')
      assert.deepEqual((await connection.execute(`SELECT ? AS a, ${i % 40} AS b`, [i]))[0], { a: i, b: i % 40 })
    }
    const prepared = await connection.prepare('SELECT ? AS a')
    const rows = await Promise.all(Array.from({ length: 200 }, (_, i) => prepared.execute([i])))
    assert.ok(rows.every(([row], i) => row.a === i))
    prepared.close()
    await rejects(connection.execute('SELECT nothing'), 1054, '42S22')
    await rejects(connection.execute('SELECT * FROM nowhere WHERE a = ?', [1]), 1146, '42S02')
    assert.equal((await connection.execute('SELECT ? AS a', [5]))[0].a, 5)
  },
  async 'metadata of prepared statements'(after) {
    const connection = await open(after)
    const t = await table(connection, 'a INT')
    await connection.query(`INSERT INTO ${t} VALUES (1)`)
    const sql = `SELECT * FROM ${t} WHERE a > ?`
    for (let i = 0; i < 5; i++) assert.deepEqual(await connection.execute(sql, [0]), [{ a: 1 }])
    await connection.query(`ALTER TABLE ${t} ADD COLUMN b INT DEFAULT 2`)
    for (let i = 0; i < 5; i++) assert.deepEqual(await connection.execute(sql, [0]), [{ a: 1, b: 2 }])
  },
  async 'last insert id, affected rows, warnings'(after) {
    const connection = await open(after, { foundRows: false })
    await connection.query("SET sql_mode = ''")
    const t = await table(connection, 'id INT AUTO_INCREMENT PRIMARY KEY, a TINYINT')
    const result = await connection.query(`INSERT INTO ${t} (a) VALUES (1), (1000)`)
    assert.deepEqual([result.insertId, result.affectedRows, result.warningStatus], [1, 2, 1])
    assert.equal((await connection.query('SHOW WARNINGS'))[0].Code, 1264)
    assert.equal(await value(connection, 'SELECT LAST_INSERT_ID()'), 1)
    assert.equal((await connection.query(`UPDATE ${t} SET a = 1 WHERE id = 1`)).affectedRows, 0)
  },
  async transactions(after) {
    const [connection, other] = [await open(after), await open(after)]
    const t = await table(connection, 'a INT')
    await connection.beginTransaction()
    await connection.query(`INSERT INTO ${t} VALUES (1)`)
    await connection.query('SAVEPOINT s')
    await connection.execute(`INSERT INTO ${t} VALUES (?)`, [2])
    await connection.query('ROLLBACK TO s')
    assert.equal(await value(other, `SELECT COUNT(*) FROM ${t}`), 0)
    await connection.commit()
    assert.equal(await value(other, `SELECT COUNT(*) FROM ${t}`), 1)
    await connection.beginTransaction()
    await connection.query(`DELETE FROM ${t}`)
    await connection.rollback()
    assert.equal(await value(other, `SELECT COUNT(*) FROM ${t}`), 1)
  },
  async 'several statements and procedures'(after) {
    const connection = await open(after, { multipleStatements: true })
    const results = await connection.query('SELECT 1 AS a; SET @m = 2; SELECT @m AS b')
    assert.deepEqual([results[0][0].a, results[2][0].b], [1, 2])
    const p = `m${process.pid}`
    await connection.query(
      `CREATE PROCEDURE ${p} (IN a INT, OUT b INT) BEGIN SELECT a; SELECT a + 1 AS next; SET b = 9; END`,
    )
    const called = await connection.query(`CALL ${p}(?, @b)`, [20])
    assert.deepEqual([called[0][0].a, called[1][0].next], [20, 21])
    assert.equal(await value(connection, 'SELECT @b'), 9)
    const prepared = await connection.execute(`CALL ${p}(?, ?)`, [20, null])
    assert.deepEqual([prepared[0][0].a, prepared[1][0].next], [20, 21])
    await rejects(connection.query('SELECT 1; SELECT nothing'), 1054, '42S22')
  },
  async '20 MB'(after) {
    const connection = await open(after)
    const t = await table(connection, 'b LONGBLOB')
    await connection.query(`INSERT INTO ${t} VALUES (?)`, [BIG])
    assert.ok(BIG.equals(await value(connection, `SELECT b FROM ${t}`)))
    await connection.execute(`UPDATE ${t} SET b = ?`, [Buffer.from(BIG).reverse()])
    assert.ok(
      Buffer.from(BIG)
        .reverse()
        .equals((await connection.execute(`SELECT b FROM ${t}`))[0].b),
    )
  },
  async '100,000 rows as a stream'(after) {
    const connection = await open(after)
    const sql = `WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 500) SELECT a.n, 'text' AS s FROM r a, r b LIMIT 100000`
    let rows = 0
    for await (const row of connection.queryStream(sql)) {
      if (++rows % 20_000 === 0) await new Promise(resolve => setTimeout(resolve, 20))
      assert.equal(row.s, 'text')
    }
    assert.equal(rows, 100_000)
    assert.equal(await value(connection, 'SELECT 1'), 1)
  },
  async 'left in the middle of a result'(after) {
    const connection = await open(after)
    const sql = `WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 800) SELECT a.n, REPEAT('x', 500) FROM r a, r b`
    const stream = connection.queryStream(sql).on('error', () => {})
    await new Promise(resolve => stream.once('data', resolve))
    connection.destroy()
    assert.equal(await value(await open(after), 'SELECT 1'), 1)
  },
  async 'LOAD DATA LOCAL'(after) {
    const dir = mkdtempSync('/tmp/portolan-interop-infile-')
    after(() => rmSync(dir, { recursive: true }))
    writeFileSync(`${dir}/data`, Array.from({ length: 20_000 }, (_, i) => `${i}\tline ${i}\n`).join(''))
    const connection = await open(after, { permitLocalInfile: true })
    const t = await table(connection, 'a INT, b VARCHAR(20)')
    const result = await connection.query(`LOAD DATA LOCAL INFILE '${dir}/data' INTO TABLE ${t}`)
    assert.equal(result.affectedRows, 20_000)
    await assert.rejects(connection.query(`LOAD DATA LOCAL INFILE '/no/such/file' INTO TABLE ${t}`))
    assert.equal(await value(connection, 'SELECT 1'), 1)
  },
  async 'change of the user and reset'(after) {
    const connection = await open(after)
    await connection.query("SET @x = 1, time_zone = '+05:00'")
    await connection.changeUser({ user: 'empty', password: '', database: 'mysql' })
    assert.match(await value(connection, 'SELECT CURRENT_USER()'), /^empty@/)
    assert.equal(await value(connection, 'SELECT @x'), null)
    await connection.query("SET @x = 1, time_zone = '+05:00'")
    await connection.reset()
    assert.equal(await value(connection, 'SELECT @x'), null)
    assert.notEqual(await value(connection, 'SELECT @@time_zone'), '+05:00')
    assert.equal(await value(connection, 'SELECT DATABASE()'), 'mysql')
  },
  async 'killed query and connection'(after) {
    const [connection, other] = [await open(after), await open(after)]
    const id = connection.threadId
    const outcome = connection.query('SELECT SLEEP(15), 7 AS seven').then(
      rows => Object.values(rows[0])[0],
      error => error.errno,
    )
    const sleeps = 'SELECT COUNT(*) FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND info LIKE ?'
    await until(async () => Number(await value(other, sleeps, ['SELECT SLEEP(15), 7%'])) === 1)
    await other.query(`KILL QUERY ${id}`)
    assert.ok([1, 1317].includes(await outcome))
    const ended = new Promise(resolve => connection.on('end', resolve).on('error', resolve))
    await other.query(`KILL ${id}`)
    await ended
    assert.equal(connection.isValid(), false)
  },
  async 'query timeout'(after) {
    const connection = await open(after)
    const timeout = isMariadb
      ? connection.query({ sql: 'SELECT SLEEP(10), 1', timeout: 300 })
      : Promise.reject({ errno: 1969 })
    await assert.rejects(timeout, { errno: 1969 })
    assert.equal(await value(connection, 'SELECT @@max_statement_time').catch(() => 0), 0)
  },
  async pool(after) {
    const pool = mariadb.createPool({ ...options, connectionLimit: 20, resetAfterUse: true })
    after(() => pool.end())
    const rows = await Promise.all(
      Array.from({ length: 300 }, async (_, i) => {
        const connection = await pool.getConnection()
        assert.equal(await value(connection, 'SELECT @mine'), null)
        await connection.query('SET @mine = ?', [i])
        const row = (await connection.execute('SELECT @mine AS mine, ? AS i', [i]))[0]
        await connection.release()
        return row
      }),
    )
    assert.ok(rows.every((row, i) => Number(row.mine) === i && row.i === i))
  },
  async 'statements in a pipeline'(after) {
    const connection = await open(after)
    const all = await Promise.allSettled(
      Array.from({ length: 1_000 }, (_, i) =>
        i % 100 === 50 ? connection.query('SELECT nothing') : value(connection, 'SELECT ?', [i]),
      ),
    )
    assert.ok(all.every((one, i) => (i % 100 === 50 ? one.reason.errno === 1054 : one.value === i)))
  },
  async 'session tracking'(after) {
    const connection = await open(after)
    await connection.query('USE mysql')
    assert.equal(connection.info.database, 'mysql')
    await connection.query('SET NAMES latin1')
    assert.equal(connection.info.collation.charset, 'latin1')
  },
})
