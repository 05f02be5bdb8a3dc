// Other clients of the same account, whose sessions are in other states than those of the program: they take its
// connections over between its statements, and leave them in another schema, character set, mode and time zone.
import mysql from 'mysql2/promise'

const SESSIONS = [
  ["SET NAMES latin1, time_zone = '+09:00'", "SELECT @@character_set_client = 'latin1' AND @@time_zone = '+09:00'"],
  ["SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'", "SELECT @@sql_mode LIKE 'ANSI_QUOTES%'"],
  ['USE neighbours', "SELECT DATABASE() = 'neighbours'"],
]

/** Starts them: `{ stop() }`, which returns what went wrong with them, or undefined. */
export async function startNeighbours(port) {
  const options = { host: '127.0.0.1', port, user: 'app', password: 'app', database: 'app' }
  const first = await mysql.createConnection(options)
  await first.query('CREATE DATABASE IF NOT EXISTS neighbours')
  await first.query('CREATE TABLE IF NOT EXISTS neighbours.t (id INT AUTO_INCREMENT PRIMARY KEY, a INT)')
  await first.end()
  let isOver = false
  const running = SESSIONS.map(async ([set, check]) => {
    const connection = await mysql.createConnection(options)
    await connection.query(set)
    while (!isOver) {
      const [[row]] = await connection.query(`${check} AS mine`)
      if (Number(row.mine) !== 1) throw new Error(`a neighbour's session is not its own: ${set}`)
      const [{ insertId }] = await connection.execute('INSERT INTO neighbours.t (a) VALUES (?)', [1])
      const [[last]] = await connection.query('SELECT LAST_INSERT_ID() AS id')
      if (Number(last.id) !== insertId) throw new Error(`LAST_INSERT_ID() is ${last.id} and not ${insertId}`)
      await connection.query('BEGIN')
      await connection.query('DELETE FROM neighbours.t WHERE id = ?', [insertId])
      await connection.query('COMMIT')
      // Not so busy that the program has no time left.
      await new Promise(resolve => setTimeout(resolve, 2))
    }
    await connection.end()
  })
  const ended = Promise.all(running).then(
    () => undefined,
    error => error.message,
  )
  return {
    stop() {
      isOver = true
      return ended
    },
  }
}
