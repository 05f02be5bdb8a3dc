/** The MySQL codec's public face. */
export * from './auth/caching-sha2.ts'
export { certificateProof } from './auth/certificate-proof.ts'
export * from './auth/clear.ts'
export { ClientAuth, type ClientAuthOptions, isClientPlugin } from './auth/client-auth.ts'
export * from './auth/ed25519.ts'
export * from './auth/native.ts'
export * from './auth/parsec.ts'
export { decryptPassword, encryptPassword } from './auth/rsa.ts'
export { newScramble } from './auth/scramble.ts'
export { type AuthStep, ServerAuth, type ServerAuthOptions } from './auth/server-auth.ts'
export * from './auth/sha256.ts'
export * from './auth-switch.ts'
export * from './capabilities.ts'
export * from './change-user.ts'
export * from './collations.ts'
export * from './commands.ts'
export {
  COMPRESSION_LEVELS,
  CompressedReader,
  CompressedWriter,
  type Compression,
  type CompressionAlgorithm,
  canCompress,
} from './compression.ts'
export * from './errors.ts'
export * from './greeting.ts'
export * from './hidden-trackers.ts'
export {
  type ConnectAttributes,
  decodeLogin,
  decodeLoginHead,
  encodeLogin,
  encodeSslRequest,
  isSslRequest,
  type Login,
  type LoginHead,
} from './login.ts'
export * from './packet-scanner.ts'
export { PacketTurns } from './packet-turns.ts'
export * from './query-attributes.ts'
export { type Integer64, malformed, PayloadReader } from './reader.ts'
export { ResponseTracker } from './response-tracker.ts'
export * from './results.ts'
export * from './session-trackers.ts'
export * from './sql/index.ts'
export * from './status.ts'
export { decodeTextResults, encodeTextResult, type TextColumn, type TextResult, type TextRow } from './text-result.ts'
export { encodePacket, MAX_PACKET_PAYLOAD, PACKET_HEADER_BYTES, PayloadWriter, packetCount } from './writer.ts'
