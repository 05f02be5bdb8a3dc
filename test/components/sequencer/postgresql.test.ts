import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { postgresqlSequencer } from '../../../src/components/sequencer/postgresql.ts'
import { selfSigned } from '../../../src/net/self-signed.ts'
import { sequencerConformance } from '../../conformance/sequencer.ts'
import { expectRefusal } from '../../conformance/suite.ts'
import { type PostgresqlServer, startPostgresql } from '../../support/postgresql-server.ts'
import { openStore } from '../open.ts'
import { account } from '../postgresql-account.ts'
import { underRestarts } from './under-restarts.ts'

let server: PostgresqlServer

beforeAll(async () => {
  server = await startPostgresql()
})
afterAll(() => server?.stop())

const open = (more: object = {}) => openStore(postgresqlSequencer, { address: server.address, ...account(), ...more })

sequencerConformance({
  features: postgresqlSequencer.features,
  open,
  restart: { stop: () => server.kill(), start: () => server.restart() },
})

underRestarts({ open, kill: () => server.kill(), restart: () => server.restart() })

test('a sequence that is at its end says so, and gives nothing twice', async () => {
  const store = await open()
  await store.reserve('long', 1)
  server.sql("UPDATE portolan_sequences SET last = 9223372036854775805 WHERE name = 'long'")
  expect(await store.reserve('long', 2)).toBe(2n ** 63n - 2n)
  await expectRefusal(store.reserve('long', 1), 'exhausted')
  await expectRefusal(store.reserve('x'.repeat(1025), 1), 'invalid-argument')
  await expectRefusal(store.reserve('a\0b', 1), 'invalid-argument')
  await store.close()
})

test('a number that was asked for when the server was lost may have been given; one not sent for was not', async () => {
  const store = await open()
  await store.reserve('lost', 1)
  server.pause()
  const waiting = expectRefusal(store.reserve('lost', 1), 'unknown')
  await server.kill()
  await waiting
  await expectRefusal(store.reserve('lost', 1), 'unavailable')
  await server.restart()
  await expect.poll(() => store.reserve('lost', 1).catch(() => 0n)).toBeGreaterThan(1n)
  await store.close()
})

test('a server that hangs costs the time of one request, and is asked again when it goes on', async () => {
  const store = await open({ requestTimeout: '300ms' })
  await store.reserve('hangs', 1)
  server.pause()
  await expectRefusal(store.reserve('hangs', 1), 'unknown')
  server.resume()
  expect(await store.reserve('hangs', 1)).toBeGreaterThan(1n)
  await store.close()
})

test('wrong credentials, a missing database and missing rights are denied, with what has to be done', async () => {
  const refused = async (more: object, words: RegExp) => {
    const store = await open(more)
    await expect(store.reserve('k', 1)).rejects.toMatchObject({ code: 'denied', message: expect.stringMatching(words) })
    await store.close()
  }
  await refused(account('app', 'wrong'), /password authentication failed/)
  await refused({ database: 'none' }, /database "none" does not exist/)
  server.sql("CREATE ROLE reader LOGIN PASSWORD 'reader'; CREATE SCHEMA guarded")
  await refused({ ...account('reader', 'reader'), schema: 'guarded' }, /permission denied.*/)
  await refused(
    { ...account('reader', 'reader'), table: 'other' },
    /Have it made: CREATE TABLE IF NOT EXISTS "public"."other"/,
  )
  await refused({ create: false, table: 'other' }, /"public.other" does not exist: it is missing. Have it made/)
})

test('a schema that is missing is made as well', async () => {
  const store = await open({ schema: 'made' })
  expect(await store.reserve('k', 1)).toBe(1n)
  await store.close()
})

test('a server with TLS is verified', async () => {
  const own = selfSigned(['127.0.0.1', 'db.example'], new Date())
  const secure = await startPostgresql({ tls: own })
  const ca = join(secure.dir, 'ca.pem')
  writeFileSync(ca, own.cert)
  const other = join(secure.dir, 'other.pem')
  writeFileSync(other, selfSigned(['127.0.0.1'], new Date()).cert)
  const where = { address: secure.address, ...account() }
  const store = await openStore(postgresqlSequencer, { ...where, tls: { ca } })
  expect(await store.reserve('k', 1)).toBe(1n)
  expect(
    secure.sql(
      "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'portolan'",
    ),
  ).toBe('t')
  const stranger = await openStore(postgresqlSequencer, { ...where, tls: { ca: other } })
  await expectRefusal(stranger.reserve('k', 1), 'unavailable')
  // By another name than its certificate has, and by that name.
  const byName = { ...where, address: secure.address.replace('127.0.0.1', 'localhost') }
  const misnamed = await openStore(postgresqlSequencer, { ...byName, tls: { ca } })
  await expectRefusal(misnamed.reserve('k', 1), 'unavailable')
  const named = await openStore(postgresqlSequencer, { ...byName, tls: { ca, serverName: 'db.example' } })
  expect(await named.reserve('k', 1)).toBe(2n)
  await Promise.all([store, stranger, misnamed, named].map(each => each.close()))
  await secure.stop()
})
