/** Certificates for tests, made by the openssl command line tool: an authority and what it signs, in a temporary folder. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Identity {
  readonly cert: string
  readonly key: string
}

export class Authority {
  readonly folder = mkdtempSync(join(tmpdir(), 'portolan-tls-'))
  readonly cert = join(this.folder, 'ca.crt')
  readonly #key = join(this.folder, 'ca.key')

  constructor() {
    this.#openssl(['req', '-x509', ...KEY, '-keyout', this.#key, '-out', this.cert, '-subj', '/CN=test authority'])
  }

  /** Files in PEM form, in the authority's folder; an identity of the same name is overwritten. */
  issue(name: string, commonName = name, subjectAltName = 'DNS:localhost,IP:127.0.0.1'): Identity {
    const file = (extension: string): string => join(this.folder, `${name}.${extension}`)
    writeFileSync(file('ext'), `subjectAltName=${subjectAltName}\n`)
    this.#openssl(['req', ...KEY, '-keyout', file('key.new'), '-out', file('csr'), '-subj', `/CN=${commonName}`])
    const signing = ['-CA', this.cert, '-CAkey', this.#key, '-CAcreateserial', '-extfile', file('ext'), '-days', '2']
    this.#openssl(['x509', '-req', '-in', file('csr'), '-out', file('crt'), ...signing])
    this.#openssl(['ec', '-in', file('key.new'), '-out', file('key')])
    return { cert: file('crt'), key: file('key') }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  #openssl(args: readonly string[]): void {
    execFileSync('openssl', args, { stdio: 'ignore' })
  }
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
