/** Hessian 2, by the library that is loaded with the first component that speaks it. */
import { ApiError } from '../../../apis/index.ts'

/** Writes values one after the other. A text, a number and so on is itself; else `{ $class, $ }`, or a Map. */
export interface HessianWriter {
  write(value: unknown): HessianWriter
  get(): Buffer
}

export interface HessianReader {
  /** Throws at the end of the bytes, and where they mean nothing. */
  read(): unknown
}

export interface Hessian {
  writer(): HessianWriter
  reader(bytes: Buffer): HessianReader
}

/** What of the library is used; it comes without types. */
interface Library {
  readonly EncoderV2: new (options: { readonly size: number }) => HessianWriter
  readonly DecoderV2: new (bytes: Buffer) => HessianReader
  registerDecodeHandler(className: string, handle: (value: JavaObject) => { readonly $: unknown }): void
}

interface JavaObject {
  readonly $: Readonly<Record<string, unknown>>
}

/** Numbers of any length, which JSON has none for, are texts. */
const LONG_NUMBERS = ['java.math.BigDecimal', 'java.math.BigInteger']

const FIRST_BYTES = 1_024

export async function loadHessian(): Promise<Hessian> {
  // @ts-expect-error: the library has no types.
  const loaded = (await import('hessian.js')) as Library & { readonly default?: Library }
  const { EncoderV2, DecoderV2, registerDecodeHandler } = loaded.default ?? loaded
  for (const name of LONG_NUMBERS) registerDecodeHandler(name, ({ $ }) => ({ $: $['value'] ?? bigIntegerOf($) }))
  return {
    writer: () => new EncoderV2({ size: FIRST_BYTES }),
    reader: bytes => new GuardedReader(new DecoderV2(bytes)),
  }
}

/** Java's own form: the sign, and the magnitude in 32-bit words, the greatest first. */
function bigIntegerOf({ signum, mag }: JavaObject['$']): unknown {
  if (typeof signum !== 'number' || !Array.isArray(mag)) return null
  const magnitude = mag.reduce((sum: bigint, word) => (sum << 32n) | BigInt.asUintN(32, BigInt(Number(word) | 0)), 0n)
  return String(BigInt(Math.sign(signum)) * magnitude)
}

/** Whatever the library stumbles over is a body that cannot be read. */
class GuardedReader implements HessianReader {
  readonly #reader: HessianReader

  constructor(reader: HessianReader) {
    this.#reader = reader
  }

  read(): unknown {
    try {
      return this.#reader.read()
    } catch (error) {
      throw new ApiError('internal', 'the provider’s answer cannot be read: it is no valid Hessian 2', { cause: error })
    }
  }
}
