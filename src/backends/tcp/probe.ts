/** Connects to one endpoint for a report: what works, or which stage fails and what to do about it. */
import { TLSSocket } from 'node:tls'
import type { ProxyError } from '../../errors.ts'
import { type ConnectTarget, connected, formatAddress } from '../../net/index.ts'
import type { Clock, EndpointProbe } from '../../protocol.ts'

type Failure = NonNullable<EndpointProbe['failure']>

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
    const { code, message } = error as ProxyError
    return { address, ok: false, failure: { stage: STAGES[code] ?? 'connect', cause: message, next: NEXT[code] ?? '' } }
  }
}

const STAGES: Readonly<Record<string, Failure['stage']>> = {
  'upstream-resolve': 'resolve',
  'upstream-tls': 'tls',
}

const NEXT: Readonly<Record<string, string>> = {
  'upstream-resolve': 'Check the spelling of the host name, and that this machine can resolve it.',
  'upstream-refused': 'Start the service, or correct the port; if it listens on another interface, change that.',
  'upstream-timeout': 'Check firewalls and security groups between here and there, or raise `connectTimeout`.',
  'upstream-unreachable': 'Check the address, and that this machine has a route to it.',
  'upstream-tls': 'Check `tls`: the authority (`ca`), the name (`serverName`), and that the port speaks TLS at all.',
}
