/** Where a client comes from, as its login needs to know. */
import type { Socket } from 'node:net'
import { type PeerCertificate, TLSSocket } from 'node:tls'

export interface Origin {
  /** As servers name it in their errors. */
  readonly host: string
  /** Nobody can read along: TLS, or a unix socket. */
  readonly isSecure: boolean
  /** The client's, if an authority of ours vouches for it. */
  readonly certificate: PeerCertificate | null
  /** Of the certificate that we have shown; empty without TLS. */
  readonly ownFingerprint: string
}

export function originOf(socket: Socket): Origin {
  const host = socket.remoteAddress?.replace(/^::ffff:/, '') ?? 'localhost'
  if (!(socket instanceof TLSSocket))
    return { host, isSecure: socket.remoteFamily === undefined, certificate: null, ownFingerprint: '' }
  const own = socket.getCertificate()
  return {
    host,
    isSecure: true,
    certificate: socket.authorized ? socket.getPeerCertificate() : null,
    ownFingerprint: own && 'fingerprint256' in own ? own.fingerprint256 : '',
  }
}
