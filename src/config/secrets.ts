/**
 * Reads secrets at the moment they are needed, so that a rotated file or token is picked up without a restart.
 * No error here ever contains a secret, nor what a command printed.
 */
import { execFile } from 'node:child_process'
import { open } from 'node:fs/promises'
import { ProxyError } from '../errors.ts'
import { registerSecret } from '../observability/redact.ts'
import type { SecretRef } from './types.ts'

const COMMAND_TIMEOUT_MS = 10_000
const MAX_SECRET_BYTES = 1024 * 1024

type Environment = Readonly<Record<string, string | undefined>>

/** The secret, without one trailing newline. Rejects with a ProxyError that says what to do; it names the source only. */
export async function readSecret(ref: SecretRef, env: Environment = process.env): Promise<string> {
  const secret = await read(ref, env)
  registerSecret(secret)
  return secret
}

async function read(ref: SecretRef, env: Environment): Promise<string> {
  if ('env' in ref) return fromEnvironment(ref.env, env)
  if ('file' in ref) return fromFile(ref.file)
  return fromCommand(ref.command)
}

function fromEnvironment(name: string, env: Environment): string {
  const value = env[name]
  if (value) return value
  throw unavailable(`environment variable ${name} is ${value === undefined ? 'not set' : 'empty'}`)
}

/**
 * Refuses a file that every user of the machine may read, but only one that belongs to the user who runs this process:
 * its mode is that user's doing and one chmod away. Files of others, such as Kubernetes mounts (root, 0644, inside the
 * container only) and Docker secrets, are taken as they are.
 */
async function fromFile(path: string): Promise<string> {
  const file = await open(path).catch((error: unknown) => fail(unreadable(path, error)))
  try {
    const { mode, uid, size } = await file.stat()
    if ((mode & 0o004) !== 0 && uid !== 0 && uid === process.getuid?.()) {
      throw unavailable(`${path} can be read by every user of this machine; run: chmod 600 ${path}`)
    }
    if (size > MAX_SECRET_BYTES) throw unavailable(`${path} is larger than 1 MiB, which no secret is`)
    const content = await file.readFile('utf8').catch((error: unknown) => fail(unreadable(path, error)))
    return chomp(content) || fail(`${path} is empty`)
  } finally {
    await file.close()
  }
}

function fromCommand(command: readonly string[]): Promise<string> {
  const [program = '', ...args] = command
  return new Promise((resolve, reject) => {
    const options = { timeout: COMMAND_TIMEOUT_MS, killSignal: 'SIGKILL', maxBuffer: MAX_SECRET_BYTES } as const
    execFile(program, args, options, (error, stdout) => {
      const secret = chomp(stdout)
      if (!error && secret) resolve(secret)
      else reject(unavailable(`command ${program} ${error ? outcomeOf(error) : 'printed nothing'}`))
    })
  })
}

/** Arguments, stdout and stderr stay out of it: any of them may hold the secret. */
function outcomeOf(error: Error & { code?: unknown; killed?: boolean; signal?: unknown }): string {
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return 'printed more than 1 MiB'
  if (error.killed) return `did not end within ${COMMAND_TIMEOUT_MS / 1000} s`
  if (typeof error.code === 'number') return `ended with exit code ${error.code}`
  if (typeof error.code === 'string') return `could not be started (${error.code})`
  return `was ended by ${String(error.signal)}`
}

function chomp(text: string): string {
  return text.replace(/\r?\n$/, '')
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
}

function unreadable(path: string, error: unknown): string {
  const code = codeOf(error)
  return `${path} cannot be read (${code})${NEXT_STEPS[code] ?? ''}`
}

const NEXT_STEPS: Readonly<Record<string, string>> = {
  ENOENT: '; write the secret into it, or correct the path',
  EACCES: '; let the user who runs this process read it',
}

function fail(message: string): never {
  throw unavailable(message)
}

function unavailable(message: string): ProxyError {
  return new ProxyError('secret-unavailable', message, { source: 'portolan', retryable: true })
}
