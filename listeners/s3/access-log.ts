/**
 * A line for each request, in the form of S3's server access log, so that what reads those reads these too
 * (docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html). Query strings are logged without signatures.
 */

import { createWriteStream, type WriteStream } from 'node:fs'
import type { Logger } from '../../src/observability/logger.ts'

export interface LogEntry {
  readonly time: Date
  readonly bucket: string
  readonly key: string
  readonly remoteIp: string
  /** The access key; empty for anonymous ones. */
  readonly requester: string
  readonly requestId: string
  readonly operation: string
  readonly requestLine: string
  readonly status: number
  /** Empty for none. */
  readonly errorCode: string
  readonly bytesSent: number
  /** Undefined when it is not known. */
  readonly objectSize: number | undefined
  readonly totalMs: number
  readonly turnAroundMs: number
  readonly referer: string
  readonly userAgent: string
  readonly versionId: string
  /** The backend's id of the request, which its own logs know. */
  readonly hostId: string
  readonly signatureVersion: string
  readonly authentication: '' | 'AuthHeader' | 'QueryString'
  readonly hostHeader: string
  /** Both in the words of OpenSSL; empty for connections without TLS. */
  readonly tlsVersion: string
  readonly cipherSuite: string
}

/** Lines that wait for the disk; what comes then is counted and left out, as a request must not wait for its log. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

export class AccessLog {
  readonly #path: string
  readonly #logger: Logger
  #stream: WriteStream
  #lost = 0

  constructor(path: string, logger: Logger) {
    this.#path = path
    this.#logger = logger
    this.#stream = this.#open()
  }

  /** Opens the file anew, such as after it was rotated. */
  reopen(): void {
    this.#stream.end()
    this.#stream = this.#open()
  }

  add(entry: LogEntry): void {
    if (this.#stream.writableLength > MAX_WAITING_BYTES) this.#lost++
    else this.#stream.write(accessLine(entry))
  }

  /** To be called once a second. */
  sweep(): void {
    if (this.#lost > 0) this.#logger.warn({ file: this.#path, count: this.#lost }, 'lines of the access log were lost')
    this.#lost = 0
  }

  close(): Promise<void> {
    return new Promise(resolve => this.#stream.end(resolve))
  }

  #open(): WriteStream {
    const stream = createWriteStream(this.#path, { flags: 'a', mode: 0o640 })
    stream.on('error', error => this.#logger.error({ file: this.#path, reason: error.message }, 'no access log'))
    return stream
  }
}

/** One line, with its end. */
export function accessLine(entry: LogEntry): string {
  const fields = [
    '-',
    plain(entry.bucket),
    `[${timeOf(entry.time)}]`,
    plain(entry.remoteIp),
    plain(entry.requester),
    entry.requestId,
    entry.operation,
    plain(encodeURIComponent(entry.key).replaceAll('%2F', '/')),
    quoted(withoutSecrets(entry.requestLine)),
    String(entry.status),
    plain(entry.errorCode),
    entry.bytesSent > 0 ? String(entry.bytesSent) : '-',
    entry.objectSize === undefined ? '-' : String(entry.objectSize),
    String(Math.round(entry.totalMs)),
    String(Math.round(entry.turnAroundMs)),
    quoted(withoutSecrets(entry.referer)),
    quoted(entry.userAgent),
    plain(entry.versionId),
    plain(entry.hostId),
    plain(entry.signatureVersion),
    plain(entry.cipherSuite),
    plain(entry.authentication),
    plain(entry.hostHeader),
    plain(entry.tlsVersion),
    '-',
    '-',
  ]
  return `${fields.join(' ')}\n`
}

/** Names that may be percent-encoded; whoever has their values can send the request as well. */
function withoutSecrets(text: string): string {
  return text.replace(/(?<=[?&])([^=&\s]*)=([^&\s]*)/g, (whole, name: string) =>
    /(^|-)(signature|security-token)$/i.test(plainName(name)) ? `${name}=REDACTED` : whole,
  )
}

function plainName(name: string): string {
  return name.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** Nothing that could end the field or the line. */
function plain(text: string): string {
  return text === '' ? '-' : text.replace(/[^\x21-\x7e]/g, '?')
}

function quoted(text: string): string {
  return text === '' ? '"-"' : `"${text.replace(/[^\x20-\x7e]|"/g, '?')}"`
}

function timeOf(time: Date): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${two(time.getUTCDate())}/${MONTHS[time.getUTCMonth()]}/${time.getUTCFullYear()}`
  return `${day}:${two(time.getUTCHours())}:${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())} +0000`
}
