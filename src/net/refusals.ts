/** Connections that are told in their protocol's words that they are one too many: not many at a time, nor for long. */
import type { Socket } from 'node:net'

/** How long a refused connection may take to read its refusal, and how many may do so at a time. */
const REFUSAL_MS = 1000
const MAX_REFUSALS = 100

export class Refusals {
  #open = 0

  /** `say` writes the refusal and ends the socket, which is destroyed instead when too many are being refused. */
  refuse(socket: Socket, say: (socket: Socket) => void): void {
    if (this.#open >= MAX_REFUSALS) {
      socket.destroy()
      return
    }
    this.#open++
    const timer = setTimeout(() => socket.destroy(), REFUSAL_MS).unref()
    socket.once('close', () => {
      clearTimeout(timer)
      this.#open--
    })
    say(socket)
    // Closing with unread bytes would send a reset, which can overtake the refusal.
    socket.resume()
  }
}
