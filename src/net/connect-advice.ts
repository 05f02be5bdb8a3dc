/** What a failure to connect means in a report, and what the user can do about it. */
import type { ProxyError } from '../errors.ts'
import type { EndpointProbe } from '../protocol.ts'

type Failure = NonNullable<EndpointProbe['failure']>

/** By the codes of connect(). */
const ADVICE: Readonly<Record<string, readonly [stage: Failure['stage'], next: string]>> = {
  'upstream-resolve': ['resolve', 'check the spelling of the host name, and that this machine can resolve it'],
  'upstream-refused': [
    'connect',
    'start the service, or correct the port; if it listens on another interface, change that',
  ],
  'upstream-timeout': [
    'connect',
    'check firewalls and security groups between here and there, or raise `connectTimeout`',
  ],
  'upstream-unreachable': ['connect', 'check the address, and that this machine has a route to it'],
  'upstream-tls': [
    'tls',
    'check `tls`: the authority (`ca`), the name (`serverName`); leave `tls` out if the service does not speak it there',
  ],
}

/** The failure as a probe reports it; undefined for what is no failure to connect. */
export function connectFailure({ code, message }: ProxyError): Failure | undefined {
  const advice = ADVICE[code]
  return advice && { stage: advice[0], cause: message, next: advice[1] }
}
