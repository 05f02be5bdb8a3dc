/**
 * What is said on a new upstream connection before requests: authentication, RESP version, name, database. All of it
 * leaves in one write; the answers are looked at one by one.
 */
import { decodeReply, encodeCommand, ReplyError, ReplyScanner } from '../../../codecs/redis/index.ts'
import { ProxyError } from '../../errors.ts'

export interface HandshakeOptions {
  readonly protocol: 2 | 3
  readonly database: number
  readonly username: string | undefined
  readonly password: string | undefined
  readonly name: string
}

/** What the server says of itself in its answer to HELLO. */
export interface ServerIdentity {
  readonly server: string
  readonly version: string
  readonly mode: string
  readonly role: string
  readonly modules: readonly { readonly name: string; readonly version: number }[]
}

interface Step {
  readonly command: readonly string[]
  readonly onReply: (reply: unknown) => void
}

export class Handshake {
  /** What to write. */
  readonly request: Buffer
  identity: ServerIdentity | null = null
  serverId = 0
  readonly #steps: readonly Step[]
  readonly #scanner = new ReplyScanner()
  #done = 0
  #bytes: Buffer = Buffer.alloc(0)

  constructor(options: HandshakeOptions) {
    this.#steps = steps(options, this)
    this.request = Buffer.concat(this.#steps.map(step => encodeCommand(step.command)))
  }

  /** Takes bytes; true when all is answered. Throws ProxyError when the connection cannot be used. */
  feed(chunk: Uint8Array): boolean {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    let position = 0
    while (this.#done < this.#steps.length && position < this.#bytes.length) {
      const end = this.#scanner.scan(this.#bytes, position, this.#bytes.length)
      if (end < 0) {
        this.#scanner.restart()
        break
      }
      if (this.#bytes[position] !== 62) {
        this.#steps[this.#done++]!.onReply(decodeReply(this.#bytes.subarray(position, end)))
      }
      position = end
    }
    this.#bytes = this.#bytes.subarray(position)
    return this.#done === this.#steps.length
  }
}

function steps(options: HandshakeOptions, handshake: Handshake): Step[] {
  const { protocol, database, username, password, name } = options
  const list: Step[] = []
  if (password !== undefined) {
    list.push({
      command: authentication(username, password),
      onReply: reply => {
        if (reply instanceof ReplyError)
          throw refused('upstream-auth', `the backend refused the credentials: ${reply.message}`)
      },
    })
  }
  list.push({
    command: ['HELLO', String(protocol)],
    onReply: reply => {
      if (!(reply instanceof ReplyError)) {
        handshake.identity = readIdentity(reply)
        handshake.serverId = readServerId(reply)
      } else if (/^(NOAUTH|WRONGPASS|NOPERM)/.test(reply.message)) {
        throw refused('upstream-auth', `the backend wants credentials: ${reply.message}`)
      } else if (protocol === 3) {
        throw refused('upstream-resp3', `the backend does not speak RESP3: ${reply.message}`)
      }
    },
  })
  // Only a help for whoever looks at CLIENT LIST there; some providers refuse it.
  list.push({ command: ['CLIENT', 'SETNAME', name], onReply: () => {} })
  list.push({
    command: ['SELECT', String(database)],
    onReply: reply => {
      if (!(reply instanceof ReplyError)) return
      const { message } = reply
      // A server too old for HELLO lets its want of a password be known here.
      if (/^(NOAUTH|ERR operation not permitted)/.test(message)) {
        throw refused('upstream-auth', `the backend wants credentials: ${message}`)
      }
      // Database 0 is there without SELECT, which some proxies do not know.
      if (database === 0) return
      throw databaseRefused(message)
    },
  })
  return list
}

export function authentication(username: string | undefined, password: string): readonly string[] {
  return username === undefined ? ['AUTH', password] : ['AUTH', username, password]
}

/** Why SELECT failed: there is no such database, or the server is busy or loading for the moment. */
export function databaseRefused(message: string): ProxyError {
  return refused(/DB index|not an integer/.test(message) ? 'upstream-database' : 'upstream-busy', message)
}

function refused(code: string, message: string): ProxyError {
  return new ProxyError(code, message, { source: 'upstream', retryable: true })
}

function readIdentity(reply: unknown): ServerIdentity {
  const fields = entries(reply)
  const modules = (fields.get('modules') ?? []) as readonly unknown[]
  return {
    server: text(fields.get('server'), 'redis'),
    version: text(fields.get('version'), '0.0.0'),
    mode: text(fields.get('mode'), 'standalone'),
    role: text(fields.get('role'), 'master'),
    modules: modules.map(module => {
      const facts = entries(module)
      return { name: text(facts.get('name'), ''), version: Number(facts.get('ver') ?? 0) }
    }),
  }
}

function readServerId(reply: unknown): number {
  return Number(entries(reply).get('id') ?? 0)
}

/** A map of RESP3, or the flat array that stands for it in RESP2. */
function entries(reply: unknown): Map<string, unknown> {
  const map = new Map<string, unknown>()
  if (reply instanceof Map) for (const [key, value] of reply) map.set(String(key), value)
  else if (Array.isArray(reply)) for (let i = 0; i + 1 < reply.length; i += 2) map.set(String(reply[i]), reply[i + 1])
  return map
}

function text(value: unknown, fallback: string): string {
  return value === undefined || value === null ? fallback : String(value)
}
