/** What stands behind the last chunk of an aws-chunked body. */
import { S3Error } from '../errors.ts'
import { isSameSignature } from '../signature/index.ts'
import type { SignatureChain } from './chain.ts'
import type { AwsChunkedOptions } from './options.ts'

const LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}):[ \t]*([!-~]([ -~]*[!-~])?)[ \t]*$/
const SIGNATURE_NAME = 'x-amz-trailer-signature'
/** Of all lines together, also the empty ones. */
const MAX_BYTES = 16 * 1024

export class Trailers {
  readonly values = new Map<string, string>()
  readonly #declared: readonly string[]
  readonly #allowed: boolean
  readonly #unverifiable: boolean
  #signature: string | undefined
  #bytes = 0
  #isClosed = false

  constructor(options: Pick<AwsChunkedOptions, 'trailers' | 'hasTrailers' | 'unverifiable'>) {
    this.#declared = options.trailers
    this.#allowed = options.hasTrailers
    this.#unverifiable = options.unverifiable ?? false
  }

  /** A line without its end. */
  take(line: string): void {
    this.#bytes += line.length + 2
    if (this.#bytes > MAX_BYTES) throw malformed('The trailers are too long.')
    if (line === '') {
      this.#isClosed = true
      return
    }
    if (!this.#allowed) throw new S3Error('IncompleteBody', 'The aws-chunked body goes on behind its last chunk.')
    // Some clients send an empty line before the signature; nothing is closed then.
    this.#isClosed = false
    const parts = LINE.exec(line)
    if (parts === null) throw malformed('A trailer is not of the form NAME:VALUE.')
    const name = parts[1]!.toLowerCase()
    if (this.#signature !== undefined) throw malformed('The signature must be the last of the trailers.')
    if (name === SIGNATURE_NAME) this.#signature = parts[2]!
    else if (this.values.has(name)) throw malformed(`The trailer ${name} is there twice.`)
    else if (!this.#declared.includes(name)) throw malformed(`The trailer ${name} is not declared in x-amz-trailer.`)
    else this.values.set(name, parts[2]!)
  }

  /** Throws S3Error unless all that was declared is there, and signed if the chunks are. */
  end(chain: SignatureChain | undefined): void {
    if (!this.#isClosed) throw new S3Error('IncompleteBody', 'The request body terminated unexpectedly')
    for (const name of this.#declared) {
      if (this.#allowed && !this.values.has(name)) throw malformed(`The declared trailer ${name} is missing.`)
    }
    if (chain === undefined) {
      if (this.#signature !== undefined && !this.#unverifiable)
        throw malformed('The trailers are signed, but the chunks are not.')
    } else if (this.#signature !== undefined) this.#verify(chain, this.#signature)
    else if (this.values.size > 0) throw malformed('The trailers are not signed.')
  }

  #verify(chain: SignatureChain, signature: string): void {
    let lines = ''
    for (const [name, value] of this.values) lines += `${name}:${value}\n`
    const text = chain.trailerText(lines)
    if (isSameSignature(chain.sign(text), signature)) return
    throw new S3Error('SignatureDoesNotMatch', undefined, { StringToSign: text, SignatureProvided: signature })
  }
}

function malformed(message: string): S3Error {
  return new S3Error('MalformedTrailerError', message)
}
