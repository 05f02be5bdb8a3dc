// Reloads under load, 1,000 or as many as the first argument says: each moves all clients to the other of two servers.
// No request may fail, no client may be closed, no subscriber may miss a message that was published through Portolan,
// and nothing may be left behind. Run by hand after `npm run build`: node test/soak/reloads.mjs
import { Client, check, residentMiB, soak, startPortolan, startRedis } from './lib.mjs'

const RELOADS = Number(process.argv[2] ?? 1000)

await soak('reloads', async () => {
  const servers = [await startRedis(), await startRedis()]
  const portolan = await startPortolan(servers[0].port)
  let running = true
  let requests = 0
  const failures = []
  const work = (count, each) =>
    Array.from({ length: count }, async (_, n) => {
      const client = new Client(portolan.port)
      for (let i = 0; running && failures.length < 20; i++) {
        try {
          const done = await each(client, n, i)
          requests += done
        } catch (error) {
          failures.push(error.message)
          if (client.socket.destroyed) return
        }
      }
      client.close()
    })
  const expect = (got, wanted) => {
    if (JSON.stringify(got) !== JSON.stringify(wanted)) {
      failures.push(`got ${JSON.stringify(got).slice(0, 100)} for ${JSON.stringify(wanted).slice(0, 100)}`)
    }
  }
  const all = [
    ...work(4, async (client, n, i) => {
      expect(await client.call('ECHO', `${n}.${i}`), `${n}.${i}`)
      return 1
    }),
    ...work(4, async (client, n, i) => {
      const texts = Array.from({ length: 16 }, (_, k) => `${n}.${i}.${k}`)
      expect(await client.pipeline(texts.map(text => ['ECHO', text])), texts)
      return texts.length
    }),
    ...work(2, async (client, n, i) => {
      const replies = await client.pipeline([['MULTI'], ['SET', `k${n}`, i], ['GET', `k${n}`], ['EXEC']])
      expect(replies[3], ['OK', String(i)])
      return 4
    }),
    ...work(2, async (client, n, i) => {
      await client.call('WATCH', `w${n}`)
      await client.call('MULTI')
      await client.call('ECHO', i)
      // A watch that the reload has cut off fails as any conflict does.
      const reply = await client.call('EXEC').catch(error => {
        if (!/EXECABORT/.test(error.message)) throw error
        return null
      })
      if (reply !== null) expect(reply, [String(i)])
      return 4
    }),
    ...work(2, async client => {
      expect(await client.call('BLPOP', 'none', '0.01'), null)
      return 1
    }),
  ]
  const heard = []
  const subscriber = new Client(portolan.port, ([, , text]) => heard.push(Number(text)))
  await subscriber.call('SUBSCRIBE', 'c').catch(() => {})
  await new Promise(resolve => setTimeout(resolve, 500))
  const before = residentMiB(portolan.pid)
  for (let i = 1; i <= RELOADS && failures.length === 0; i++) {
    const reached = requests + 50
    await portolan.reload(servers[i % 2].port)
    while (requests < reached && failures.length === 0) await new Promise(resolve => setTimeout(resolve, 1))
    if (i % 100 === 0) console.log(`${i} reloads, ${requests} requests, ${residentMiB(portolan.pid).toFixed(0)} MiB`)
  }
  running = false
  await Promise.all(all)
  check(failures.length === 0, failures.join('\n'))
  check(!subscriber.socket.destroyed, 'the subscriber was closed')
  // The channel is subscribed where the backend is now, and there alone.
  const publisher = new Client(portolan.port)
  for (let i = 0; i < 50; i++) {
    if ((await publisher.call('PUBLISH', 'c', i)) === 1) break
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  for (let i = 0; heard.length === 0 && i < 100; i++) await new Promise(resolve => setTimeout(resolve, 50))
  check(heard.length > 0, 'the subscriber hears nothing')
  publisher.close()
  subscriber.close()
  // Retired backends let go of their connections.
  const other = new Client(servers[(RELOADS + 1) % 2].port)
  let left = -1
  for (let i = 0; i < 100 && left !== 0; i++) {
    left = (await other.call('CLIENT', 'LIST')).split('name=portolan').length - 1
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  other.close()
  check(left === 0, `${left} connections to the server that is no backend any more`)
  const after = residentMiB(portolan.pid)
  check(after - before < 60, `memory grew from ${before.toFixed(0)} to ${after.toFixed(0)} MiB`)
  return `${RELOADS} reloads, ${requests} requests, none failed; ${before.toFixed(0)} -> ${after.toFixed(0)} MiB`
})
