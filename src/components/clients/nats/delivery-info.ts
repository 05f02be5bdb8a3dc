/**
 * What JetStream says of a delivery in the subject that it is acknowledged by:
 *
 *     $JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<attempt>.<sequence>.<delivery>.<nanoseconds>.<pending>[.<random>]
 */
export interface DeliveryInfo {
  /** 1 for the first delivery. */
  readonly attempt: number
  /** Of the message in its stream. */
  readonly sequence: number
  /** Counts the deliveries of the consumer. */
  readonly delivery: number
  /** Messages that the consumer has not delivered yet. */
  readonly pending: number
}

/** Undefined where the subject is none of these, so the message is no delivery. */
export function parseDeliveryInfo(reply: string | undefined): DeliveryInfo | undefined {
  const tokens = reply?.split('.') ?? []
  if (tokens.length < 9 || tokens[0] !== '$JS' || tokens[1] !== 'ACK') return undefined
  const [attempt, sequence, delivery, , pending] = tokens.slice(tokens.length === 9 ? 4 : 6).map(Number)
  return { attempt: attempt!, sequence: sequence!, delivery: delivery!, pending: pending! }
}
