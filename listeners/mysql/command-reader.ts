/** What a client has sent, taken up as far as the phase of its session allows: commands, and what belongs to the one at hand. */
import { ProtocolError } from '../../codecs/codec.ts'
import { PACKET_HEADER_BYTES, type ServerError, ServerErrors } from '../../codecs/mysql/index.ts'
import { PROOF, READING } from './phase.ts'
import type { Session } from './session.ts'

export class CommandReader {
  readonly #session: Session
  #reading = false
  #onProof: (payload: Buffer) => void = () => {}

  constructor(session: Session) {
    this.#session = session
  }

  /** Looks at what was read for as long as the phase allows. */
  read(): void {
    // A command answered at once leads here again.
    if (this.#reading) return
    this.#reading = true
    const session = this.#session
    const { downstream } = session
    const { input } = downstream
    try {
      for (;;) {
        const { phase } = session
        if (phase === 'ready') {
          // Nothing further for a client that has not taken what it got.
          if (downstream.full || !input.nextCommand()) break
          session.onCommand(input.packet, input.partial)
        } else if (phase === 'busy' || !READING.has(phase) || !input.next()) break
        else this.#onFurther(input.packet, input.partial)
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      session.host.protocolError(error.kind)
      session.fail(PROTOCOL_ERRORS[error.kind] ?? ServerErrors.malformedPacket)
      session.close()
    } finally {
      this.#reading = false
    }
  }

  /** What belongs to a command that has begun. */
  #onFurther(packet: Buffer, partial: boolean): void {
    const session = this.#session
    const { phase } = session
    if (partial && PROOF.has(phase)) throw new ProtocolError('packet-too-large', 'a proof in pieces')
    if (phase === 'answering') session.exchange.onAuthAnswer(packet)
    else if (phase === 'proving') this.#onProof(packet.subarray(PACKET_HEADER_BYTES))
    else if (phase !== 'discarding') session.exchange.onPiece(packet, partial)
    else if (!partial) session.answered()
  }

  /** Asks the client a question of the login; its answer is the promise's, which waits for ever when the client leaves. */
  prove(question: Buffer): Promise<Buffer> {
    const session = this.#session
    session.answer(question)
    session.phase = 'proving'
    session.downstream.input.expect((question[3]! + 1) & 0xff)
    return new Promise(resolve => {
      this.#onProof = payload => {
        session.phase = 'waiting'
        resolve(payload)
      }
      session.goOn()
    })
  }
}

const PROTOCOL_ERRORS: Readonly<Record<string, ServerError>> = {
  'packet-too-large': ServerErrors.packetTooLarge,
  'packet-sequence': ServerErrors.packetsOutOfOrder,
}
