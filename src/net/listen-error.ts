/** Why an address cannot be bound, in words that name the way out. */
import { lstatSync } from 'node:fs'
import { connect } from 'node:net'
import type { Address } from '../config/index.ts'
import { ProxyError } from '../errors.ts'
import { formatAddress } from './address.ts'

interface Explanation {
  readonly code: string
  text(address: string): string
}

const TCP: Readonly<Record<string, Explanation>> = {
  EADDRINUSE: {
    code: 'listen-address-in-use',
    text: address =>
      `${address} is taken by another process. Stop that one (\`ss -ltnp\` shows it), or give this listener another address`,
  },
  EACCES: {
    code: 'listen-permission',
    text: address =>
      `this user may not bind ${address}. Choose a port above 1023, or grant the process CAP_NET_BIND_SERVICE`,
  },
  EADDRNOTAVAIL: {
    code: 'listen-address-unavailable',
    text: address => `${address} is not an address of this machine. Use 127.0.0.1, or 0.0.0.0 for all interfaces`,
  },
  ENOTFOUND: {
    code: 'listen-resolve',
    text: address => `the host of ${address} cannot be resolved. Write an IP address of this machine`,
  },
}

const UNIX: Readonly<Record<string, Explanation>> = {
  EADDRINUSE: {
    code: 'listen-address-in-use',
    text: path => `another process answers on ${path}. Stop that one, or give this listener another path`,
  },
  EACCES: {
    code: 'listen-permission',
    text: path => `this user may not create ${path}. Choose a folder that the user may write to`,
  },
  ENOENT: { code: 'listen-path', text: path => `the folder of ${path} does not exist. Create it first` },
  EINVAL: { code: 'listen-path', text: path => `${path} is longer than a unix socket's path may be (107 bytes)` },
}

export function listenError(listener: string, address: Address, cause: NodeJS.ErrnoException): ProxyError {
  const known = ('path' in address ? UNIX : TCP)[cause.code ?? '']
  const where = formatAddress(address)
  const text = known?.text(where) ?? `${where} cannot be bound: ${cause.message}`
  return new ProxyError(known?.code ?? 'listen-failed', `listener ${listener}: ${text}`, { source: 'portolan', cause })
}

/** True for a socket file that a dead process left behind: it exists, and nobody answers there. */
export function isStale(path: string, error: NodeJS.ErrnoException): Promise<boolean> {
  // An ordinary file refuses connections too, and it is not ours to remove.
  if (error.code !== 'EADDRINUSE' || !lstatSync(path, { throwIfNoEntry: false })?.isSocket()) {
    return Promise.resolve(false)
  }
  return new Promise(resolve => {
    const probe = connect({ path })
    probe.once('connect', () => {
      probe.destroy()
      resolve(false)
    })
    probe.once('error', (cause: NodeJS.ErrnoException) => resolve(cause.code === 'ECONNREFUSED'))
  })
}
