// Idle clients, 10,000 or as many as the first argument says: what each costs, and that all are served afterwards.
// Needs `ulimit -n` above twice that number. Run by hand after `npm run build`: node test/soak/idle.mjs
import { Client, check, residentMiB, soak, startPortolan, startRedis } from './lib.mjs'

const CLIENTS = Number(process.argv[2] ?? 10_000)
const MAX_KIB_EACH = 6.5

await soak('idle', async () => {
  const redis = await startRedis()
  const portolan = await startPortolan(redis.port, { listener: `maxConnections: ${CLIENTS + 10}` })
  const first = new Client(portolan.port)
  for (let i = 0; i < 1000; i++) await first.call('PING')
  const before = residentMiB(portolan.pid)
  const clients = []
  while (clients.length < CLIENTS) {
    const some = Array.from({ length: Math.min(200, CLIENTS - clients.length) }, () => new Client(portolan.port))
    await Promise.all(some.map(client => client.call('PING')))
    clients.push(...some)
  }
  await new Promise(resolve => setTimeout(resolve, 5000))
  const each = ((residentMiB(portolan.pid) - before) * 1024) / CLIENTS
  for (let at = 0; at < CLIENTS; at += 500) {
    const some = clients.slice(at, at + 500)
    const replies = await Promise.all(some.map((client, i) => client.call('ECHO', at + i)))
    for (const [i, reply] of replies.entries()) check(reply === String(at + i), `client ${at + i} got ${reply}`)
  }
  for (const client of clients) client.close()
  first.close()
  check(each <= MAX_KIB_EACH, `${each.toFixed(1)} KiB per idle client`)
  return `${CLIENTS} clients, ${each.toFixed(1)} KiB each`
})
