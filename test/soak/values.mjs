// One value of 512 MiB, or as many MiB as the first argument says, stored and read: the memory of Portolan stays flat.
// Run by hand after `npm run build`: node test/soak/values.mjs
import { once } from 'node:events'
import { connect } from 'node:net'
import { Client, check, encode, residentMiB, soak, startPortolan, startRedis, watchMemory } from './lib.mjs'

const MIB = 1024 * 1024
const SIZE = Number(process.argv[2] ?? 512) * MIB
/** Pieces that wait for the garbage collector; it comes when it likes, but as soon for a small value as for a large one. */
const MAX_GROWTH_MIB = 80

await soak('values', async () => {
  const redis = await startRedis()
  const portolan = await startPortolan(redis.port)
  const other = new Client(portolan.port)
  for (let i = 0; i < 1000; i++) await other.call('PING')
  let running = true
  const neighbour = (async () => {
    while (running) check((await other.call('ECHO', 'x')) === 'x', 'a neighbour got a wrong reply')
  })()
  const before = residentMiB(portolan.pid)
  const memory = watchMemory(portolan.pid)
  await store(portolan.port)
  await read(portolan.port)
  const growth = memory.stop() - before
  running = false
  await neighbour
  other.close()
  check(growth < MAX_GROWTH_MIB, `memory grew by ${growth.toFixed(0)} MiB`)
  return `${SIZE / MIB} MiB in and out, memory grew by ${growth.toFixed(0)} MiB`
})

async function store(port) {
  const socket = connect({ port, host: '127.0.0.1' })
  const piece = Buffer.alloc(MIB, 'x')
  socket.write(`*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$${SIZE}\r\n`)
  for (let sent = 0; sent < SIZE; sent += piece.length) {
    if (!socket.write(piece)) await once(socket, 'drain')
  }
  socket.write('\r\n')
  const [reply] = await once(socket, 'data')
  socket.destroy()
  check(String(reply) === '+OK\r\n', `SET: ${String(reply).slice(0, 100)}`)
}

async function read(port) {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.write(encode(['GET', 'big']))
  let length = 0
  let wrong = 0
  const expected = SIZE + `$${SIZE}\r\n\r\n`.length
  for await (const chunk of socket) {
    if (length > 100 && length + chunk.length < SIZE) for (const byte of chunk) if (byte !== 120) wrong++
    length += chunk.length
    if (length >= expected) break
  }
  check(length === expected && wrong === 0, `GET: ${length} bytes, ${wrong} of them wrong`)
}
