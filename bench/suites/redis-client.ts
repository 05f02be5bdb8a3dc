/** The few bytes of Redis protocol that the suite needs beside redis-benchmark. */

import { connect } from 'node:net'

/** A command as an array of bulk strings; latin1 text. */
export function encodeCommand(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map(word => `$${word.length}\r\n${word}\r\n`).join('')}`
}

/** Sends one command on a connection of its own and gives the first reply, a line or a bulk string; waits 5 s at most. */
export function ask(port: number, words: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let reply = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(encodeCommand(words), 'latin1'))
    socket.setTimeout(5000, () => socket.destroy(new Error('no reply within 5 s')))
    socket.setEncoding('latin1')
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`the connection was closed after ${JSON.stringify(reply)}`)))
    socket.on('data', chunk => {
      reply += chunk
      if (!isComplete(reply)) return
      resolve(reply)
      socket.destroy()
    })
  })
}

function isComplete(reply: string): boolean {
  const lineEnd = reply.indexOf('\r\n')
  if (lineEnd < 0) return false
  const length = reply.startsWith('$') ? Number(reply.slice(1, lineEnd)) : -1
  return length < 0 || reply.length >= lineEnd + 2 + length + 2
}
