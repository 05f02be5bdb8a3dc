/**
 * The unix sockets of a private server: where they are, the lock that only a living process can hold, and one question to
 * whoever answers.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { lstatSync, mkdirSync, rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ProxyError } from '../errors.ts'

/** A unix socket's path has room for 107 bytes and a zero (unix(7)); other systems have a few less. */
const MAX_SOCKET_PATH_BYTES = 103

/** The data directory, or when its name is too long for a socket, a private folder among the temporary files. */
export function socketDirectory(directory: string): string {
  if (Buffer.byteLength(join(directory, 'lock')) <= MAX_SOCKET_PATH_BYTES) return directory
  const name = createHash('sha256').update(directory).digest('hex').slice(0, 16)
  const short = join(tmpdir(), `portolan-${name}`)
  mkdirSync(short, { recursive: true, mode: 0o700 })
  const stat = lstatSync(short)
  if (!stat.isDirectory() || stat.uid !== process.getuid?.() || (stat.mode & 0o077) !== 0) {
    const message = `${short} is not a private folder of this user: remove it, or choose a shorter data directory`
    throw new ProxyError('embedded-start', message, { source: 'portolan' })
  }
  return short
}

/** Listens on the path for as long as this process lives; what a dead process left there is cleared away. */
export async function lock(path: string, directory: string): Promise<Server> {
  for (const isLast of [false, true]) {
    const server = createServer(socket => socket.destroy()).unref()
    try {
      server.listen(path)
      await once(server, 'listening')
      return server
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
      if (isLast || (await isHeld(path))) {
        const message = `the data directory ${directory} is in use by another Portolan: choose another one`
        throw new ProxyError('embedded-start', message, { source: 'portolan' })
      }
      rmSync(path, { force: true })
    }
  }
  throw new Error('unreachable')
}

function isHeld(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path, () => socket.destroy())
    socket.once('error', () => {})
    socket.once('close', hadError => resolve(!hadError))
  })
}

/**
 * What the server says first, to the question or of itself when there is none: its first bytes as latin1, '' when there
 * was a connection but nothing came in time, undefined when there was no connection.
 */
export function ask(path: string, question: string, timeoutMs: number): Promise<string | undefined> {
  return new Promise(resolve => {
    let isConnected = false
    const socket = connect(path, () => {
      isConnected = true
    })
    socket.setTimeout(timeoutMs, () => socket.destroy())
    socket.on('error', () => {})
    socket.once('close', () => resolve(isConnected ? '' : undefined))
    socket.once('data', (chunk: Buffer) => {
      resolve(chunk.toString('latin1'))
      socket.destroy()
    })
    if (question !== '') socket.write(question)
  })
}
