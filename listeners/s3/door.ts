/**
 * Who may come in: every request passes here, whatever its form and whatever its body will be, and leaves with an identity
 * or not at all.
 */
import {
  authenticate,
  authenticateForm,
  type ChunkSeed,
  type CopySource,
  type Operation,
  type PayloadKind,
  parseAmzDate,
  parseAuthorization,
  payloadKind,
  S3Error,
  SigningSecret,
  UNSIGNED_PAYLOAD,
  valueIn,
  valuesIn,
} from '../../codecs/s3/index.ts'
import { LiveSecret } from '../../src/config/index.ts'
import type { Runtime } from '../../src/protocol.ts'
import type { KeyOptions, S3ListenerOptions } from './options.ts'
import { Patterns } from './patterns.ts'
import { Policy } from './policy.ts'

/** A request at the door. */
export interface Visitor {
  readonly method: string
  /** As it came, without the query. */
  readonly path: string
  /** Name, value ..., decoded. */
  readonly query: readonly string[]
  /** Name in lower case, value .... */
  readonly headers: readonly string[]
  /** What it asks to be copied. */
  readonly source: CopySource | undefined
  readonly bucket: string
  readonly key: string
  readonly operation: Operation
  /** Milliseconds of the calendar. */
  readonly now: number
}

export interface Identity {
  /** Empty for those who did not say. */
  readonly accessKey: string
  readonly authentication: '' | 'AuthHeader' | 'QueryString'
  /** Seconds for which a presigned request is still good; undefined for others. */
  readonly presignedSeconds: number | undefined
  /** How its body is vouched for, and with which words. */
  readonly payload: PayloadKind
  readonly contentSha256: string
  /** What the signatures of its chunks go on from; undefined when nobody can verify them. */
  readonly seed: ChunkSeed | undefined
  readonly policy: Policy
  /** The store is asked without a signature, too. */
  readonly isUnsigned: boolean
}

interface Key {
  readonly policy: Policy
  readonly live: LiveSecret
  secret: SigningSecret | undefined
}

/** Of those who need not say who they are. */
const ANYTHING = new Policy({})
const READING = new Policy({ operations: ['read'] })

export class Door {
  readonly #keys = new Map<string, Key>()
  readonly #secretOf = (accessKey: string): SigningSecret | undefined => this.secretOf(accessKey)
  readonly #anonymous: Patterns
  readonly #passUnsigned: Patterns

  private constructor({ anonymous, passUnsigned }: S3ListenerOptions) {
    this.#anonymous = new Patterns(anonymous)
    this.#passUnsigned = new Patterns(passUnsigned)
  }

  /** Reads the secrets. Rejects with ProxyError `secret-unavailable`. */
  static async open(options: S3ListenerOptions, runtime: Runtime): Promise<Door> {
    const door = new Door(options)
    for (const key of options.keys) await door.#add(key, runtime)
    return door
  }

  async #add(options: KeyOptions, { logger, clock }: Runtime): Promise<void> {
    const key: Key = {
      policy: new Policy(options),
      live: new LiveSecret(options.secretAccessKey, {
        name: `the secret of the key ${options.accessKeyId}`,
        logger,
        clock,
        onChange: secret => (key.secret = new SigningSecret(secret)),
      }),
      secret: undefined,
    }
    key.secret = new SigningSecret(await key.live.read())
    this.#keys.set(options.accessKeyId, key)
  }

  secretOf(accessKey: string): SigningSecret | undefined {
    return this.#keys.get(accessKey)?.secret
  }

  /** Reads the secrets anew. Never rejects. */
  async reread(): Promise<void> {
    await Promise.all([...this.#keys.values()].map(({ live }) => live.refresh()))
  }

  close(): void {
    for (const { live } of this.#keys.values()) live.close()
  }

  /** Throws S3Error for whoever may not do that. */
  admit(visitor: Visitor): Identity {
    const identity = this.#keys.size === 0 ? anybody(visitor) : this.#identify(visitor)
    const { operation, bucket, key, query, source } = visitor
    const objection = identity.policy.objection({ operation, bucket, key, listPrefixes: valuesIn(query, 'prefix') })
    if (objection !== undefined) throw new S3Error('AccessDenied', `Access Denied: ${objection}.`)
    // A copy reads what it names, so its key has to be allowed to do that too.
    if (source && !identity.policy.mayRead(source))
      throw new S3Error('AccessDenied', 'Access Denied: this key may not read the source of the copy.')
    return identity
  }

  /** As admit(), for an upload by a posted form: its fields as name in lower case, value .... Throws S3Error. */
  admitForm(
    fields: readonly string[],
    wish: Pick<Visitor, 'bucket' | 'key' | 'operation' | 'now'> & { readonly length: number },
  ): Identity {
    const { now, length } = wish
    const accessKey =
      this.#keys.size === 0 ? '' : authenticateForm(fields, { now, secretOf: this.#secretOf })?.accessKey
    if (accessKey === undefined && this.#passUnsigned.match(wish.bucket)) return stranger([])
    if (accessKey === undefined) throw new S3Error('AccessDenied', 'Access Denied: the form is not signed.')
    const policy = this.#keys.get(accessKey)?.policy ?? ANYTHING
    const objection = policy.objection({ ...wish, listPrefixes: [] })
    if (objection !== undefined) throw new S3Error('AccessDenied', `Access Denied: ${objection}.`)
    if (length > policy.maxObjectBytes) throw new S3Error('EntityTooLarge')
    return { ...nobody([]), accessKey, policy }
  }

  #identify(visitor: Visitor): Identity {
    const { query, now } = visitor
    const verified = authenticate(visitor, { now, secretOf: this.#secretOf })
    if (!verified) return this.#anonymously(visitor)
    const isPresigned = verified.kind === 'presigned'
    return {
      accessKey: verified.accessKey,
      authentication: isPresigned ? 'QueryString' : 'AuthHeader',
      presignedSeconds: isPresigned ? secondsLeft(query, now) : undefined,
      payload: verified.payload,
      contentSha256: verified.contentSha256,
      seed: verified.seed,
      policy: this.#keys.get(verified.accessKey)!.policy,
      isUnsigned: false,
    }
  }

  #anonymously({ bucket, key, operation, headers, source }: Visitor): Identity {
    if (bucket !== '' && key !== '' && operation.access === 'read' && this.#anonymous.match(bucket))
      return { ...nobody(headers), policy: READING }
    if (this.#passUnsigned.match(bucket) && (!source || this.#passUnsigned.match(source.bucket)))
      return stranger(headers)
    throw new S3Error('AccessDenied', 'Access Denied: the request is not signed.')
  }
}

/** Somebody unknown, whom the store itself is to judge. */
export function stranger(headers: readonly string[]): Identity {
  return { ...nobody(headers), isUnsigned: true }
}

/** Without keys a signature is not even looked at. */
function anybody({ query, headers, now }: Visitor): Identity {
  const claim = parseAuthorization(query, headers)
  const authentication = claim === undefined ? '' : claim.kind === 'header' ? 'AuthHeader' : 'QueryString'
  const presignedSeconds = claim?.kind === 'presigned' ? secondsLeft(query, now) : undefined
  return { ...nobody(headers), accessKey: claim?.accessKey ?? '', authentication, presignedSeconds }
}

function nobody(headers: readonly string[]): Identity {
  const contentSha256 = valueIn(headers, 'x-amz-content-sha256') ?? UNSIGNED_PAYLOAD
  return {
    accessKey: '',
    authentication: '',
    presignedSeconds: undefined,
    payload: payloadKind(contentSha256),
    contentSha256,
    seed: undefined,
    policy: ANYTHING,
    isUnsigned: false,
  }
}

function secondsLeft(query: readonly string[], now: number): number {
  const begin = parseAmzDate(valueIn(query, 'X-Amz-Date') ?? '')
  const expires = Number(valueIn(query, 'X-Amz-Expires') ?? 0)
  return Math.max(1, Math.floor(expires - (now - begin) / 1000))
}
