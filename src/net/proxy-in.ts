/** Reads the PROXY header that a trusted peer sends first, and leaves what follows it in the socket. */
import type { Socket } from 'node:net'
import { decodeProxyHeader, type ProxyHeader } from '../../codecs/proxy-protocol/index.ts'

export interface ProxyHeaderSink {
  /** The socket is paused. */
  onHeader(header: ProxyHeader): void
  /** No valid header, the peer closed, or it took too long. */
  onFailed(reason: string): void
}

/** Reads from a paused socket until its header is complete, for timeoutMs at most. */
export function readProxyHeader(socket: Socket, timeoutMs: number, sink: ProxyHeaderSink): void {
  let bytes: Buffer = Buffer.alloc(0)
  const deadline = setTimeout(() => fail('the PROXY header did not come in time'), timeoutMs)

  const stop = (): void => {
    clearTimeout(deadline)
    socket.off('data', onData)
    socket.off('close', onClose)
    socket.off('end', onClose)
  }
  const fail = (reason: string): void => {
    stop()
    sink.onFailed(reason)
  }
  const onClose = (): void => fail('the peer closed before its PROXY header was complete')
  const onData = (chunk: Buffer): void => {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
    let header: ProxyHeader | undefined
    try {
      header = decodeProxyHeader(bytes)
    } catch (error) {
      fail((error as Error).message)
      return
    }
    if (header === undefined) return
    stop()
    socket.pause()
    if (bytes.length > header.byteLength) socket.unshift(bytes.subarray(header.byteLength))
    sink.onHeader(header)
  }
  socket.on('data', onData)
  socket.on('close', onClose)
  socket.on('end', onClose)
  socket.resume()
}
