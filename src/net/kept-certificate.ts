/**
 * A generated certificate that outlives the process, so that clients may be told to trust it: a folder holds it and its key,
 * and both are made anew only when they end, or name others than asked for.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { type Certificate, selfSigned } from './self-signed.ts'

/** Made anew so long before its end. */
const MARGIN_MS = 30 * 86_400_000

/** Throws what the file system says when the folder cannot be used. */
export function keptCertificate(folder: string, names: readonly string[], now: Date): Certificate {
  const files = { cert: join(folder, 'certificate.pem'), key: join(folder, 'key.pem') }
  const kept = readKept(files)
  if (kept && isGood(kept, names, now)) return kept
  const made = selfSigned(names, now)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  // Each is whole or not there, and without its key the certificate is made again.
  replace(files.key, made.key, 0o600)
  replace(files.cert, made.cert, 0o644)
  return made
}

function readKept(files: Certificate): Certificate | undefined {
  try {
    return { cert: readFileSync(files.cert, 'latin1'), key: readFileSync(files.key, 'latin1') }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function isGood({ cert, key }: Certificate, names: readonly string[], now: Date): boolean {
  try {
    const certificate = new X509Certificate(cert)
    const named = new Set((certificate.subjectAltName ?? '').split(', '))
    return (
      certificate.checkPrivateKey(createPrivateKey(key)) &&
      Date.parse(certificate.validTo) - now.getTime() > MARGIN_MS &&
      names.every(name => isIP(name) > 0 || named.has(`DNS:${name}`))
    )
  } catch {
    return false
  }
}

function replace(path: string, text: string, mode: number): void {
  writeFileSync(`${path}.new`, text, { mode })
  renameSync(`${path}.new`, path)
}
