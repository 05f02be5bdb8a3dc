import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { NatsClient } from '../../../src/components/clients/nats/index.ts'
import { natsSequencer } from '../../../src/components/sequencer/nats.ts'
import { selfSigned } from '../../../src/net/self-signed.ts'
import { silentLogger } from '../../../src/observability/logger.ts'
import { systemClock } from '../../../src/protocol.ts'
import { FaultProxy } from '../../support/fault-proxy.ts'
import { type NatsServer, startNats } from '../../support/nats-server.ts'
import { temporaryDirectory } from '../embedded-directory.ts'
import { openStore } from '../open.ts'

let server: NatsServer

beforeAll(async () => {
  server = await startNats()
})
afterAll(() => server?.stop())

function open(port: number, requestTimeout: number) {
  const servers = [{ host: '127.0.0.1', port }]
  return NatsClient.open(
    { servers, credentials: undefined, replicas: 1, connectTimeout: 2_000, requestTimeout },
    {
      name: 'test',
      logger: silentLogger,
      clock: systemClock,
      backend() {
        throw new Error('it has none')
      },
    },
  )
}

const portOf = () => Number(server.address.split(':')[1])

test('nothing of a call is kept once it is answered, however long the connection lives', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const client = await open(portOf(), 5_000)
  const answered = async () => new WeakRef(await client.call(async () => ({ much: Buffer.alloc(1_000) }), true))
  const answer = await answered()
  await expect
    .poll(() => {
      collect()
      return answer.deref() === undefined
    })
    .toBe(true)
  await client.close()
})

test('a connection over which nothing comes is given up; calls meanwhile end in their time', async () => {
  const proxy = await FaultProxy.start(portOf())
  const client = await open(proxy.port, 300)
  await client.check(5_000)
  proxy.silence()
  await expect(client.check(300)).rejects.toMatchObject({ code: 'unavailable' })
  await expect(client.call(({ connection }) => connection.flush(), false)).rejects.toMatchObject({ code: 'unknown' })
  proxy.speak()
  await expect
    .poll(
      () =>
        client.check(300).then(
          () => 'there',
          () => 'away',
        ),
      { timeout: 10_000 },
    )
    .toBe('there')
  expect(proxy.accepted).toBe(2)
  await client.close()
  proxy.close()
})

test('a server with TLS is verified, and one without it is not spoken to', async () => {
  const folder = temporaryDirectory()
  const write = (name: string, text: string) => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }
  const own = selfSigned(['127.0.0.1', 'db.example'], new Date())
  const cert = write('cert.pem', own.cert)
  const secure = await startNats({ tls: { cert, key: write('key.pem', own.key) } })
  const other = write('other.pem', selfSigned(['127.0.0.1'], new Date()).cert)
  const outcome = async (address: string, tls: object | undefined) => {
    const store = await openStore(natsSequencer, { servers: [address], ...(tls && { tls }) })
    const answer = await store.reserve('k', 1).catch((error: { code: string }) => error.code)
    await store.close()
    return answer
  }
  expect(await outcome(secure.address, { ca: cert })).toBe(1n)
  expect(await outcome(secure.address, { verify: false })).toBe(2n)
  const byName = secure.address.replace('127.0.0.1', 'localhost')
  expect(await outcome(byName, { ca: cert, serverName: 'db.example' })).toBe(3n)
  expect(await outcome(byName, { ca: cert })).toBe('unavailable')
  expect(await outcome(secure.address, { ca: other })).toBe('unavailable')
  expect(await outcome(secure.address, undefined)).toBe('unavailable')
  expect(await outcome(server.address, { ca: cert })).toBe('unavailable')
  await secure.stop()
})
