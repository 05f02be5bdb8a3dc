/** Cuts bytes into the pieces in which a network may bring them: what a decoder makes of them must not depend on it. */

export interface Feed {
  /** For the message of a test that fails. */
  readonly way: string
  readonly pieces: readonly Buffer[]
}

/**
 * The bytes whole, byte by byte and split at every offset; then the same with `trailing` behind them, the beginning of
 * something that does not end.
 */
export function* everyFeed(bytes: Buffer, trailing?: Buffer): Generator<Feed> {
  yield { way: 'whole', pieces: [bytes] }
  yield { way: 'byte by byte', pieces: cut(bytes, 1) }
  for (let at = 1; at < bytes.length; at++) yield splitAt(bytes, at, '')
  if (!trailing) return
  const longer = Buffer.concat([bytes, trailing])
  yield { way: 'whole, with trailing bytes', pieces: [longer] }
  yield { way: 'byte by byte, with trailing bytes', pieces: cut(longer, 1) }
  for (let at = 1; at < longer.length; at++) yield splitAt(longer, at, ', with trailing bytes')
}

function splitAt(bytes: Buffer, at: number, suffix: string): Feed {
  return { way: `split at ${at}${suffix}`, pieces: [bytes.subarray(0, at), bytes.subarray(at)] }
}

/** Pieces of that many bytes, the last one shorter; the sizes are used in turn. */
export function cut(bytes: Buffer, ...sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = Math.max(1, sizes[i % sizes.length]!)
    pieces.push(bytes.subarray(at, at + size))
    at += size
  }
  return pieces
}
