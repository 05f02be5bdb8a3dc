import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { MysqlBackend } from '../../../src/backends/mysql/index.ts'
import { mysqlConfiguration } from '../../../src/components/configuration/mysql.ts'
import { mysqlLock } from '../../../src/components/lock/mysql.ts'
import { mysqlSequencer } from '../../../src/components/sequencer/mysql.ts'
import { expectRefusal } from '../../conformance/suite.ts'
import { type MysqlBench, startMysqlBench } from '../mysql-backend.ts'
import { openStore } from '../open.ts'

let bench: MysqlBench
let limited: MysqlBackend

beforeAll(async () => {
  bench = await startMysqlBench()
  await bench.root("CREATE USER limited@'%' IDENTIFIED BY 'limited'")
  limited = await bench.openBackend({
    credentials: { username: 'limited', password: { command: ['echo', 'limited'] } },
  })
})
afterAll(async () => {
  await limited?.close(0)
  await bench?.stop()
})
beforeEach(async () => {
  await bench.root('DROP DATABASE IF EXISTS portolan')
})

const item = { key: 'a', group: '', label: '' }

test('tables and their database are made when they are missed, by whoever comes first', async () => {
  const open = () => openStore(mysqlConfiguration, {}, { backend: bench.backend })
  const stores = await Promise.all(Array.from({ length: 5 }, open))
  await Promise.all(stores.map((store, i) => store.write!([{ ...item, value: `${i}` }])))
  expect((await stores[0]!.history!(item, 10)).length).toBe(5)
  // Somebody has dropped them.
  await bench.root('DROP TABLE portolan.portolan_configuration_changes')
  await stores[1]!.write!([{ ...item, value: 'again' }])
  expect(await stores[2]!.get({ keys: ['a'], group: '', label: '' })).toMatchObject([{ value: 'again' }])
  await Promise.all(stores.map(store => store.close()))
})

test('an account that may not create a table is told which; with the table it needs no such right', async () => {
  const store = await openStore(mysqlSequencer, {}, { backend: limited })
  await bench.root('CREATE DATABASE portolan')
  await bench.root("GRANT SELECT, INSERT, UPDATE ON portolan.* TO limited@'%'")
  await expectRefusal(store.reserve('a', 1), 'denied')
  const refusal = await store.check(5_000).catch(error => error as Error)
  expect((refusal as Error).message).toContain('CREATE TABLE IF NOT EXISTS `portolan`.`portolan_sequences`')
  const [, wanted] = /Have it made: (.*);$/.exec((refusal as Error).message)!
  await bench.root(wanted!)
  expect(await store.reserve('a', 1)).toBe(1n)
  expect(await store.reserve('a', 1)).toBe(2n)
  await bench.root("REVOKE UPDATE ON portolan.* FROM limited@'%'")
  await expectRefusal(store.reserve('a', 1), 'denied')
  await store.close()
})

test('who is not to create anything does not, although the account may', async () => {
  const store = await openStore(mysqlLock, { create: false }, { backend: bench.backend })
  await expectRefusal(store.tryLock({ resource: 'r', owner: 'o', leaseMs: 1_000 }), 'denied')
  expect(await bench.root("SHOW DATABASES LIKE 'portolan'")).toEqual([])
  await store.close()
})

test('names of the database and the table are the ones that are configured', async () => {
  const store = await openStore(mysqlLock, { database: 'app', table: 'leases' }, { backend: bench.backend })
  await store.tryLock({ resource: 'r', owner: 'o', leaseMs: 60_000 })
  expect(await bench.root('SELECT CAST(owner AS CHAR) AS owner, token FROM app.leases')).toEqual([
    { owner: 'o', token: 1 },
  ])
  await store.close()
  await expect(openStore(mysqlLock, { table: 'a`b' }, { backend: bench.backend })).rejects.toThrow()
})

test('a backend without credentials cannot serve a component, and wrong ones are refused', async () => {
  const bare = await bench.openBackend({ credentials: undefined })
  await expectRefusal(openStore(mysqlLock, {}, { backend: bare }), 'denied')
  await bare.close(0)
  const wrong = await bench.openBackend({ credentials: { username: 'nobody' } })
  const store = await openStore(mysqlLock, {}, { backend: wrong })
  await expectRefusal(store.check(5_000), 'denied')
  await store.close()
  await wrong.close(0)
})

test('the server tells which product it is', async () => {
  const store = await openStore(mysqlLock, {}, { backend: bench.backend })
  expect((await store.check(5_000)).version).toMatch(/^(MariaDB|MySQL) \d+\.\d+\.\d+$/)
  await store.close()
})
