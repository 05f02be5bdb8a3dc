/**
 * TLS from files, for both sides. Certificates are rotated without a restart: the folders of the files are watched, and
 * new connections use the new contents. Contents that cannot be used are logged, and the old ones stay.
 */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { type ConnectionOptions, createSecureContext, type SecureContext, type SecureVersion } from 'node:tls'
import type { Address } from '../config/types.ts'
import { ProxyError } from '../errors.ts'
import type { Logger } from '../observability/logger.ts'
import { watchFiles } from './watch-files.ts'

/** What a backend needs; all but `serverName` and `verify` are file paths. */
export interface ClientTlsOptions {
  /** Authorities to trust instead of the system's. */
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly serverName?: string | undefined
  /** Whether the peer's certificate must be valid for its name. Default true. */
  readonly verify?: boolean | undefined
  readonly minVersion?: SecureVersion | undefined
}

/** What a listener needs; file paths. */
export interface ServerTlsOptions {
  readonly cert: string
  readonly key: string
  /** Authorities of client certificates. */
  readonly clientCa?: string | undefined
  readonly requireClientCertificate?: boolean | undefined
  readonly minVersion?: SecureVersion | undefined
}

export interface ClientTls {
  /** Options for `tls.connect` to that address, as of now. */
  options(address: Address): ConnectionOptions
  /** Stops watching the files. */
  close(): void
}

export interface ServerTls {
  readonly clientCertificate: 'none' | 'optional' | 'required'
  /** The context for the next handshake. */
  context(): SecureContext
  close(): void
}

/** Reads the files. Throws ProxyError `tls-files` when they are missing or do not fit together. */
export function clientTls(options: ClientTlsOptions, logger: Logger): ClientTls {
  const { ca, cert, key, serverName, verify = true, minVersion = 'TLSv1.2' } = options
  const context = liveContext({ ca, cert, key, minVersion }, logger)
  return {
    options(address) {
      const host = 'path' in address ? 'localhost' : address.host
      const name = serverName ?? host
      return {
        secureContext: context.current(),
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

/** Reads the files. Throws ProxyError `tls-files` when they are missing or do not fit together. */
export function serverTls(options: ServerTlsOptions, logger: Logger): ServerTls {
  const { cert, key, clientCa, requireClientCertificate, minVersion = 'TLSv1.2' } = options
  const context = liveContext({ ca: clientCa, cert, key, minVersion }, logger)
  return {
    clientCertificate: requireClientCertificate ? 'required' : clientCa ? 'optional' : 'none',
    context: context.current,
    close: context.close,
  }
}

interface ContextFiles {
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
  readonly minVersion: SecureVersion
}

interface LiveContext {
  current(): SecureContext
  close(): void
}

function liveContext(files: ContextFiles, logger: Logger): LiveContext {
  const paths = [files.ca, files.cert, files.key].filter(path => path !== undefined)
  let contents = readContents(paths)
  let context = createContext(files)
  const close = watchFiles(paths, logger, () => {
    try {
      const next = readContents(paths)
      if (next === contents) return
      context = createContext(files)
      contents = next
      logger.info({ files: paths }, 'TLS files reloaded')
    } catch (error) {
      logger.error({ files: paths, reason: (error as Error).message }, 'changed TLS files not used; the old ones stay')
    }
  })
  return { current: () => context, close }
}

function createContext({ ca, cert, key, minVersion }: ContextFiles): SecureContext {
  try {
    return createSecureContext({
      minVersion,
      ...(ca && { ca: readFile(ca) }),
      ...(cert && { cert: readFile(cert) }),
      ...(key && { key: readFile(key) }),
    })
  } catch (error) {
    if (error instanceof ProxyError) throw error
    const names = [ca, cert, key].filter(Boolean).join(', ')
    throw tlsFilesError(`the TLS files ${names} cannot be used together: ${(error as Error).message}`, error)
  }
}

function readContents(paths: readonly string[]): string {
  return paths.map(path => readFile(path).toString('latin1')).join('\0')
}

function readFile(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw tlsFilesError(`cannot read the TLS file ${path}: ${(error as Error).message}`, error)
  }
}

function tlsFilesError(message: string, cause: unknown): ProxyError {
  return new ProxyError('tls-files', message, { source: 'portolan', cause })
}
