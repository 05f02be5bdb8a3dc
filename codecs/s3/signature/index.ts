/** Signature version 4 of S3: who sent a request, and signing one for a backend. */
export { AUTH_HEADERS, type Authorization, isAuthParameter, MAX_EXPIRES, parseAuthorization } from './authorization.ts'
export { explainMismatch } from './explain.ts'
export { authenticateForm, type VerifiedForm } from './form.ts'
export { HmacKey, isSameSignature, sha256Hex } from './hmac.ts'
export {
  EMPTY_SHA256,
  type PayloadKind,
  payloadKind,
  SIGNED_CHUNKS,
  SIGNED_CHUNKS_TRAILER,
  UNSIGNED_CHUNKS_TRAILER,
  UNSIGNED_PAYLOAD,
} from './payload.ts'
export { type PresignRequest, presign, type Signer, signRequest, type UnsignedRequest } from './sign.ts'
export { type Scope, SigningSecret, scopeOf } from './signing-key.ts'
export { formatAmzDate, parseAmzDate } from './time.ts'
export { authenticate, type ChunkSeed, type SignedRequest, type Verification, type Verified } from './verify.ts'
