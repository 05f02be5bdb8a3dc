/** Says bytes to a Redis server as they are, and notes what comes back and how the connection ends. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { ReplyScanner } from '../../codecs/redis/index.ts'
import type { RespClient } from './resp-client.ts'

export interface Conversation {
  /** Everything that came, latin1. */
  readonly received: string
  /** Who ended it: the peer by itself (`end`, or `reset` when it left bytes of ours unread), or we (`open`). */
  readonly ending: 'end' | 'reset' | 'open'
}

export interface Peer {
  readonly port: number
  /** Another client of the same server: what was said before it asks has been read when it is answered. */
  readonly witness: RespClient
}

export interface Talk {
  readonly pieces: readonly Buffer[]
  readonly protocol: 2 | 3
  /** Said when everything before is answered and the peer has not ended the connection. */
  readonly afterwards?: Buffer
  /** Waits until this has come after `afterwards`: what is still on its way then would be lost with a blocked client. */
  readonly awaits?: string
  /** Half-closes right behind the last piece, without waiting for anything. */
  readonly finAtOnce?: boolean
  /** Whether to wait for the peer to end it, instead of noting that it did not. */
  readonly untilEnd?: boolean
}

const DEADLINE_MS = 5_000

export async function converse(peer: Peer, talk: Talk): Promise<Conversation> {
  const socket = connect({ port: peer.port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  let received = ''
  let ending: Conversation['ending'] | undefined
  socket.on('data', chunk => {
    received += chunk.toString('latin1')
  })
  const ended = new Promise<void>(resolve => {
    const onEnd = (how: 'end' | 'reset') => {
      ending ??= how
      resolve()
    }
    socket.on('end', () => onEnd('end')).on('close', () => onEnd('reset'))
  })
  socket.on('error', () => {})
  await once(socket, 'connect')
  if (talk.protocol === 3) {
    socket.write('HELLO 3\r\n')
    await until(socket, () => whole(received))
    received = ''
  }
  for (const [i, piece] of talk.pieces.entries()) {
    if (i > 0) await pause(peer, talk.pieces.length)
    if (!socket.writable) break
    socket.write(piece)
  }
  let over: Conversation['ending']
  if (talk.finAtOnce) {
    socket.end()
    over = 'open'
  } else {
    await settled(peer)
    if (talk.untilEnd) await within(ended)
    if (ending === undefined && talk.afterwards) {
      socket.write(talk.afterwards)
      const { awaits } = talk
      if (awaits !== undefined) await within(until(socket, () => received.includes(awaits)))
      await settled(peer)
    }
    over = ending ?? 'open'
    socket.end()
  }
  await within(ended)
  // An answer to our half-close that never comes is a fault that must be seen.
  if (ending === undefined) received += '<the connection was never ended>'
  socket.destroy()
  return { received, ending: over }
}

/** When it is answered what was said before on other connections has been read, and mostly answered. */
async function settled({ witness }: Peer): Promise<void> {
  for (let i = 0; i < 3; i++) await witness.call('PING')
}

/** So that pieces are not read as one; with many of them a turn of the loop each must do. */
async function pause(peer: Peer, pieces: number): Promise<void> {
  if (pieces <= 8) return settled(peer)
  await new Promise(resolve => setImmediate(resolve))
}

async function within(what: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise(resolve => {
    timer = setTimeout(resolve, DEADLINE_MS)
  })
  await Promise.race([what, deadline])
  clearTimeout(timer)
}

async function until(socket: Socket, condition: () => boolean): Promise<void> {
  while (!condition() && socket.readable) await once(socket, 'data').catch(() => {})
}

function whole(received: string): boolean {
  const bytes = Buffer.from(received, 'latin1')
  return new ReplyScanner().scan(bytes, 0, bytes.length) === bytes.length
}
