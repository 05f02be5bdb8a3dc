/**
 * TLS from files, for both sides, or of a listener with a certificate of its own making. Certificates are rotated without a restart: the folders of the files are watched, and
 * new connections use the new contents. Contents that cannot be used are logged, and the old ones stay.
 */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import {
  type ConnectionOptions,
  createSecureContext,
  createServer,
  type SecureContext,
  type SecureContextOptions,
  type SecureVersion,
  type Server,
} from 'node:tls'
import { type Address, type ClientTlsOptions, type ServerTlsOptions, watchFiles } from '../config/index.ts'
import { ProxyError } from '../errors.ts'
import type { Logger } from '../observability/logger.ts'
import { keptCertificate } from './kept-certificate.ts'
import { type Certificate, selfSigned } from './self-signed.ts'

export interface ClientTls {
  /** Options for `tls.connect` to that address, as of now. */
  options(address: Address): ConnectionOptions
  /** Stops watching the files. */
  close(): void
}

export interface ServerTls {
  /**
   * A server that never listens: emit 'connection' on it with an accepted socket, and take its 'secureConnection' and
   * 'tlsClientError'. Its certificate follows the files.
   */
  server(handshakeTimeoutMs: number, alpn?: readonly string[]): Server
  /** Stops watching the files. */
  close(): void
}

/** Reads the files. Throws ProxyError `tls-files` when they are missing or do not fit together. */
export function openClientTls(options: ClientTlsOptions, logger: Logger): ClientTls {
  const { serverName, verify, minVersion } = options
  const context = liveContext(options, logger)
  return {
    options(address) {
      const host = 'path' in address ? 'localhost' : address.host
      const name = serverName ?? host
      return {
        secureContext: context.current().secureContext,
        // The name to verify; an IP address is matched against the certificate but must not be sent as SNI.
        host: name,
        ...(isIP(name) ? {} : { servername: name }),
        rejectUnauthorized: verify,
        minVersion,
      }
    },
    close: context.close,
  }
}

/**
 * Reads the files. A generated certificate names this machine, and what else is asked for. Throws ProxyError `tls-files`
 * when files are missing or do not fit together.
 */
export function openServerTls(
  options: ServerTlsOptions,
  logger: Logger,
  furtherNames: readonly string[] = [],
): ServerTls {
  const { cert, key, generate, keepIn, clientCa, requireClientCertificate, minVersion } = options
  const servers = new Set<Server>()
  const own = generate ? generated([...OWN_NAMES, hostname(), ...furtherNames], keepIn) : undefined
  const context = liveContext({ ca: clientCa, cert, key, own, minVersion }, logger, pem => {
    for (const server of servers) server.setSecureContext(pem)
  })
  return {
    server(handshakeTimeoutMs, alpn) {
      const server = createServer({
        ...context.current().pem,
        requestCert: clientCa !== undefined,
        rejectUnauthorized: requireClientCertificate,
        handshakeTimeout: handshakeTimeoutMs,
        ...(alpn && { ALPNProtocols: [...alpn] }),
      })
      servers.add(server)
      return server
    },
    close() {
      servers.clear()
      context.close()
    },
  }
}

function generated(names: readonly string[], folder: string | undefined): Certificate {
  if (folder === undefined) return selfSigned(names, new Date())
  try {
    return keptCertificate(folder, names, new Date())
  } catch (error) {
    const { message } = error as Error
    throw tlsFilesError(`the folder ${resolve(folder)} cannot keep the generated certificate: ${message}`, error)
  }
}

/** Whom a generated certificate names: clients of a sidecar are near. */
const OWN_NAMES = ['localhost', '127.0.0.1', '::1']

interface ContextFiles {
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** Instead of `cert` and `key`. */
  readonly own?: Certificate | undefined
  readonly minVersion: SecureVersion
}

interface Context {
  readonly pem: SecureContextOptions
  readonly secureContext: SecureContext
}

interface LiveContext {
  current(): Context
  close(): void
}

function liveContext(files: ContextFiles, logger: Logger, onChange?: (pem: SecureContextOptions) => void): LiveContext {
  const paths = [files.ca, files.cert, files.key].filter(path => path !== undefined)
  let context = readContext(files)
  const close = watchFiles(paths, logger, () => {
    try {
      const next = readContext(files)
      if (sameContents(next, context)) return
      onChange?.(next.pem)
      context = next
      logger.info({ files: paths }, 'TLS files reloaded')
    } catch (error) {
      logger.error({ files: paths, reason: (error as Error).message }, 'changed TLS files not used; the old ones stay')
    }
  })
  return { current: () => context, close }
}

function readContext({ ca, cert, key, own, minVersion }: ContextFiles): Context {
  const pem = {
    minVersion,
    ...own,
    ...(ca !== undefined && { ca: readPem(ca, 'CERTIFICATE') }),
    ...(cert !== undefined && { cert: readPem(cert, 'CERTIFICATE') }),
    ...(key !== undefined && { key: readPem(key, 'PRIVATE KEY') }),
  }
  try {
    return { pem, secureContext: createSecureContext(pem) }
  } catch (error) {
    const names = [ca, cert, key].filter(path => path !== undefined).join(', ')
    throw tlsFilesError(`the TLS files ${names} cannot be used together: ${(error as Error).message}`, error)
  }
}

function sameContents(a: Context, b: Context): boolean {
  return a.pem.ca === b.pem.ca && a.pem.cert === b.pem.cert && a.pem.key === b.pem.key
}

function readPem(path: string, holding: 'CERTIFICATE' | 'PRIVATE KEY'): string {
  let text: string
  try {
    text = readFileSync(path, 'latin1')
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    throw tlsFilesError(`cannot read the TLS file ${resolve(path)}: ${REASONS[code] ?? code}`, error)
  }
  if (new RegExp(`^-----BEGIN [A-Z0-9 ]*${holding}-----`, 'm').test(text)) return text
  throw tlsFilesError(`the TLS file ${resolve(path)} holds no ${holding.toLowerCase()} in PEM form`, undefined)
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a folder',
}

function tlsFilesError(message: string, cause: unknown): ProxyError {
  return new ProxyError('tls-files', message, { source: 'portolan', cause })
}
