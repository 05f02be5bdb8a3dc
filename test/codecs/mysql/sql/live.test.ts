/** The scanner beside a real server: where statements end, what is a comment, and what takes effect. */
import fc from 'fast-check'
import mysql, { type Connection, type RowDataPacket } from 'mysql2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  CLIENT_PLUGIN_AUTH,
  CLIENT_PROTOCOL_41,
  CLIENT_RESERVED2,
  COM_QUERY,
  leadBytesOf,
  type ScanMode,
  StatementFlag,
} from '../../../../codecs/mysql/index.ts'
import { type MariadbServer, startMariadb } from '../../../support/mariadb-server.ts'
import { Client } from '../client.ts'
import { MARIADB, scan } from './facts.ts'
import { ask, objection, soup } from './soup.ts'

let server: MariadbServer
let connection: Connection
let mode: ScanMode

beforeAll(async () => {
  server = await startMariadb()
  const { host, port } = server
  connection = mysql.createConnection({ host, port, user: 'app', password: 'app', multipleStatements: true })
  const [[row]] = await connection.promise().query<RowDataPacket[]>('SELECT VERSION() AS version')
  const [major, minor, patch] = String(row?.['version']).split(/[.-]/).map(Number)
  mode = { ...MARIADB, serverVersion: major! * 10000 + minor! * 100 + patch! }
})
afterAll(async () => {
  connection.destroy()
  await server.stop()
})

describe.each(['', 'ANSI_QUOTES', 'NO_BACKSLASH_ESCAPES', 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'])(
  'sql_mode=%j',
  sqlMode => {
    test('is read as the server reads it', async () => {
      await connection.promise().query("SET sql_mode = ?, @p = 'not assigned'", [sqlMode])
      const ansiQuotes = sqlMode.includes('ANSI_QUOTES')
      const noBackslashEscapes = sqlMode.includes('NO_BACKSLASH_ESCAPES')
      let agreed = 0
      await fc.assert(
        fc.asyncProperty(soup, async text => {
          const verdict = await ask(connection, text)
          expect(objection(text, { ...mode, ansiQuotes, noBackslashEscapes }, verdict)).toBeUndefined()
          if (!verdict.failed) agreed++
        }),
        { numRuns: 1000 },
      )
      // The server took a good part of them.
      expect(agreed).toBeGreaterThan(200)
    })
  },
)

/** Bytes that two readings of the character before a backslash or backtick take otherwise. */
const AMBIGUOUS = [
  (byte: number) => Buffer.concat([Buffer.from("SELECT '"), Buffer.of(byte), Buffer.from("\\', @p:=1 -- '")]),
  (byte: number) => Buffer.concat([Buffer.from("SELECT '\\"), Buffer.of(byte), Buffer.from("\\', @p:=1 -- '")]),
  (byte: number) => Buffer.concat([Buffer.from('SELECT 1 AS `'), Buffer.of(byte), Buffer.from('`, @p:=1, 2 AS `a`')]),
  (byte: number) => Buffer.concat([Buffer.from('SELECT 1 AS '), Buffer.of(byte), Buffer.from('`, @p:=1, 2 AS `a`')]),
]

describe.each(['utf8mb4', 'latin1', 'gbk', 'gb2312', 'big5', 'sjis', 'cp932', 'ujis', 'eucjpms', 'euckr'])(
  '%s',
  charset => {
    test('is read as the server reads it', async () => {
      const capabilities = { low: CLIENT_PROTOCOL_41 | CLIENT_RESERVED2 | CLIENT_PLUGIN_AUTH, mariadb: 0 }
      const client = await Client.login({ port: server.port }, { capabilities })
      let trails = 0
      try {
        await client.run(`SET character_set_client = ${charset}, sql_mode = ''`)
        for (let byte = 0x80; byte <= 0xff; byte++) {
          for (const statement of AMBIGUOUS) {
            const text = statement(byte)
            await client.run("SET @p = 'not assigned'")
            const { tracker } = await client.command(Buffer.concat([Buffer.of(COM_QUERY), text]))
            if (tracker.error) continue
            const { packets } = await client.run('SELECT @p')
            const assigned = !packets.some(packet => packet.includes('not assigned'))
            const scanner = scan([text], { ...mode, leadBytes: leadBytesOf(charset) })
            const writes = (scanner.flags & StatementFlag.USER_VARIABLE_WRITE) !== 0
            expect(writes, `${charset} ${text.toString('latin1')}`).toBe(assigned)
            if (assigned && statement === AMBIGUOUS[0]) trails++
          }
        }
      } finally {
        client.close()
      }
      expect(trails > 0).toBe(leadBytesOf(charset) !== undefined)
    })
  },
)
