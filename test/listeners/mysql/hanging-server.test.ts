/** A server that stops (SIGSTOP) and goes on, under load: its clients wait, those of another listener do not notice. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig, value } from '../../support/mysql.ts'
import { Portolan, until } from '../../support/portolan.ts'

const rig = new MysqlRig()
let hanging: MariadbServer
let healthy: MariadbServer
beforeAll(async () => {
  process.env['MYSQL_TEST_PASSWORD'] = 'app'
  ;[hanging, healthy] = (await Promise.all([startMariadb(), startMariadb()])) as [MariadbServer, MariadbServer]
  const direct = await rig.client(hanging.port)
  await direct.query('CREATE TABLE t (client INT, number INT)')
  await rig.close()
})
afterAll(() => Promise.all([hanging.stop(), healthy.stop()]))
afterEach(() => rig.close())

test('SIGSTOP under load: no statement is lost or runs twice, and the other listener serves as before', async () => {
  const credentials = { username: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } }
  const setup = { protocol: 'mysql', backend: { credentials, pool: { max: 3, waitTimeout: '60s' } } } as const
  const portolan = new Portolan({
    main: { ...setup, endpoints: [hanging.port] },
    other: { ...setup, endpoints: [healthy.port] },
  })
  await portolan.app.start()
  try {
    const clients = await rig.clients(8, portolan)
    let running = true
    const numbers = clients.map(() => 0)
    const load = clients.map(async (client, index) => {
      while (running) {
        await client.query('INSERT INTO t VALUES (?, ?)', [index, numbers[index]!++])
        if (numbers[index]! % 5 === 0) {
          await client.beginTransaction()
          await client.execute('INSERT INTO t VALUES (?, ?)', [index, numbers[index]!++])
          await client.commit()
        }
      }
    })
    await until(() => numbers.every(number => number > 5))
    hanging.pause()
    const others = await rig.clients(5, portolan.port('other'))
    await Promise.all(
      others.map(async (client, index) => {
        for (let i = 0; i < 50; i++) expect(await value(client, 'SELECT ? + ?', [index, i])).toBe(index + i)
      }),
    )
    // All of its connections are taken, and everybody else waits.
    await until(() => portolan.metric('portolan_upstream_queue', { backend: 'main' }) === clients.length - 3)
    const before = numbers.join()
    for (const client of others) expect(await value(client, 'SELECT 6 * 7')).toBe(42)
    expect(numbers.join()).toBe(before)
    hanging.resume()
    await until(() => numbers.every((number, index) => number > Number(before.split(',')[index]) + 5))
    running = false
    await Promise.all(load)
    const [rows] = await (await rig.client(hanging.port)).query(
      'SELECT COUNT(*) AS count, COUNT(DISTINCT number) AS distinct_count FROM t GROUP BY client ORDER BY client',
    )
    expect(rows).toEqual(numbers.map(number => ({ count: number, distinct_count: number })))
  } finally {
    hanging.resume()
    await portolan.close()
  }
}, 60_000)
