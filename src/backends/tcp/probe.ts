/** Connects to one endpoint for a report: what works, or which stage fails and what to do about it. */
import { TLSSocket } from 'node:tls'
import type { ProxyError } from '../../errors.ts'
import { type ConnectTarget, connected, connectFailure, formatAddress } from '../../net/index.ts'
import type { Clock, EndpointProbe } from '../../protocol.ts'

/** Never rejects. */
export async function probeEndpoint(target: ConnectTarget, clock: Clock): Promise<EndpointProbe> {
  const address = formatAddress(target.address)
  const begin = clock.now()
  try {
    const socket = await connected(target)
    socket.on('error', () => {})
    const latencyMs = clock.now() - begin
    const tls = socket instanceof TLSSocket ? socket.getProtocol() : null
    socket.destroy()
    return { address, ok: true, latencyMs, ...(tls && { facts: { tls } }) }
  } catch (error) {
    const failure = connectFailure(error as ProxyError) ?? { stage: 'connect', cause: String(error), next: '' }
    return { address, ok: false, failure }
  }
}
