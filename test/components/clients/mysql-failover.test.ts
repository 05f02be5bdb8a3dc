/** What components keep in MySQL while another server becomes the primary, with and without a loss. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ConfigurationItem } from '../../../src/apis/index.ts'
import type { MysqlBackend } from '../../../src/backends/mysql/index.ts'
import { mysqlConfiguration } from '../../../src/components/configuration/mysql.ts'
import { mysqlLock } from '../../../src/components/lock/mysql.ts'
import { mysqlSequencer } from '../../../src/components/sequencer/mysql.ts'
import { expectRefusal } from '../../conformance/suite.ts'
import type { MysqlServer } from '../../support/mysql-server.ts'
import { ReplicationSet } from '../../support/replication-set.ts'
import { openMysqlBackend } from '../mysql-backend.ts'
import { openStore } from '../open.ts'

let set: ReplicationSet
let backend: MysqlBackend

beforeAll(async () => {
  set = await ReplicationSet.start(2)
  backend = await openMysqlBackend({
    topology: 'primary-replica',
    endpoints: set.ports.map(port => `127.0.0.1:${port}`),
    credentials: { username: 'portolan', password: { command: ['echo', 'portolan'] } },
    readFrom: 'prefer-replica',
    checkInterval: '50ms',
  })
}, 30_000)
afterAll(async () => {
  await backend?.close(0)
  await set?.stop()
})

const place = (key: string) => ({ key, group: '', label: '' })
const of = (...keys: string[]) => ({ keys, group: '', label: '' })
/** The account has rights there only. */
const where = { database: 'app' }

test('what is written is read at once, although replicas do not have it', async () => {
  await expect.poll(() => backend.readsFromReplica).toBe(true)
  const [primary, replica] = set.servers
  const settings = await openStore(mysqlConfiguration, where, { backend })
  const locks = await openStore(mysqlLock, where, { backend })
  await settings.write!([{ ...place('a'), value: '0' }])
  await locks.tryLock({ resource: 'r', owner: 'o', leaseMs: 60_000 })
  await set.catchUp(replica!, primary!)
  await set.stopApplying(replica!)
  for (let i = 1; i <= 5; i++) {
    await settings.write!([{ ...place('a'), value: `${i}` }])
    expect(await settings.get(of('a'))).toMatchObject([{ value: `${i}` }])
  }
  await locks.unlock({ resource: 'r', owner: 'o' })
  expect(await locks.holder!('r')).toBeUndefined()
  await set.startApplying(replica!)
  await Promise.all([settings.close(), locks.close()])
})

test('over a planned change of the primary nothing is refused: what it did not do is done by the next one', async () => {
  const [first, second] = set.servers
  const settings = await openStore(mysqlConfiguration, where, { backend })
  const sequences = await openStore(mysqlSequencer, where, { backend })
  const given = [await sequences.reserve('planned', 1)]
  const change = async (from: MysqlServer, to: MysqlServer) => {
    await set.run(from, 'SET GLOBAL read_only = ON')
    const [number, [version]] = await Promise.all([
      sequences.reserve('planned', 1),
      settings.write!([{ ...place('planned'), value: `${given.length}` }]),
      set
        .catchUp(to, from)
        .then(() => set.promote(to))
        .then(() => set.follow(from, to)),
    ])
    expect(await settings.get(of('planned'))).toMatchObject([{ value: `${given.length}`, version }])
    given.push(number)
  }
  await change(first!, second!)
  await change(second!, first!)
  expect(given).toEqual([1n, 2n, 3n])
  await Promise.all([settings.close(), sequences.close()])
}, 30_000)

test('over a failover: nothing that the new primary has is lost or given twice, and watches tell what is true now', async () => {
  const [primary, replica] = set.servers
  const settings = await openStore(mysqlConfiguration, { ...where, pollInterval: '20ms' }, { backend })
  const locks = await openStore(mysqlLock, where, { backend })
  const sequences = await openStore(mysqlSequencer, where, { backend })
  const known = new Map<string, ConfigurationItem>()
  const watch = settings.watch(of('kept', 'lost', 'new'), {
    onItems(items) {
      known.clear()
      for (const each of items) known.set(each.key, each)
    },
    onItem: each => void known.set(each.key, each),
    onGone: ({ key }) => void known.delete(key),
    onOutage() {},
  })
  const values = () => Object.fromEntries([...known.values()].map(({ key, value }) => [key, value]))

  const request = { resource: 'leader', owner: 'a', leaseMs: 60_000 }
  await locks.tryLock({ ...request, resource: 'before' })
  const grant = await locks.tryLock(request)
  const given = await sequences.reserve('orders', 10)
  await settings.write!([{ ...place('kept'), value: '1' }])
  await set.catchUp(replica!, primary!)
  // From now on what is written is on the primary alone.
  await set.run(replica!, 'STOP REPLICA IO_THREAD')
  const [lost] = await settings.write!([{ ...place('lost'), value: 'x' }])
  await expect.poll(values).toEqual({ kept: '1', lost: 'x' })

  await primary!.kill()
  await set.promote(replica!)
  await expect
    .poll(() => sequences.reserve('orders', 1).catch(() => 0n), { timeout: 15_000 })
    .toBeGreaterThanOrEqual(given + 10n)
  expect(await locks.tryLock({ ...request, owner: 'b' })).toBeUndefined()
  expect(await locks.holder!('leader')).toMatchObject({ owner: 'a', token: grant!.token })
  expect(await locks.renew!(request)).toBe('renewed')
  // It gets the number of the change that was lost.
  const [version] = await settings.write!([{ ...place('new'), value: '2' }])
  expect(version!.split('-')[0]).toBe(lost!.split('-')[0])
  await expect.poll(values).toEqual({ kept: '1', new: '2' })
  await expectRefusal(settings.write!([{ ...place('new'), value: '3', expected: lost! }]), 'conflict')
  await settings.write!([{ ...place('kept') }])
  await expect.poll(values).toEqual({ new: '2' })
  watch.close()
  await Promise.all([settings.close(), locks.close(), sequences.close()])
}, 30_000)
