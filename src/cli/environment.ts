/** What `run -- command` exports to the command: where the listeners are, in the words of each protocol's clients. */
import type { ListenerUnit } from '../generation.ts'
import type { Protocol } from '../protocol.ts'

/** The variables of all listeners; of several listeners that want the same one, the first has it. */
export function environmentOf(
  listeners: Iterable<ListenerUnit>,
  protocols: readonly Protocol[],
): Readonly<Record<string, string>> {
  const variables: Record<string, string> = {}
  for (const { config, listener } of listeners) {
    const address = dialable(listener.address)
    const protocol = protocols.find(each => each.name === config.protocol)
    const own = { [addressVariable(config.name)]: address, ...protocol?.environment?.(config, address) }
    for (const [name, value] of Object.entries(own)) variables[name] ??= value
  }
  return variables
}

/** `PORTOLAN_MY_CACHE_ADDRESS` for `my-cache`. */
function addressVariable(listener: string): string {
  return `PORTOLAN_${listener.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}_ADDRESS`
}

/** The address as a program on this machine dials it: a wildcard is no address to dial. */
function dialable(address: string): string {
  return address.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:')
}
