/** The S3 codec: bytes and text of the S3 REST API, as pure functions. */
export {
  type Address,
  type AddressingStyle,
  type BaseDomains,
  baseDomains,
  isBucketName,
  parseAddress,
  type UpstreamAddress,
  type UpstreamAddressing,
  upstreamAddress,
} from './addressing.ts'
export type { ChecksumAlgorithm } from './checksum-algorithm.ts'
export * from './checksums/index.ts'
export * from './chunks/index.ts'
export { type CopySource, encodeCopySource, parseCopySource } from './copy-source.ts'
export { climbsOut } from './dot-segments.ts'
export { S3_ERRORS, S3Error, type S3ErrorCode } from './errors.ts'
export * from './form/index.ts'
export { classify, OPERATIONS, type Operation, type OperationQuestion } from './operation.ts'
export { headerIn, valueIn, valuesIn } from './pairs.ts'
export { checkPostPolicy, type PostPolicyFacts } from './post-policy.ts'
export { canonicalQuery, parseQuery } from './query.ts'
export * from './signature/index.ts'
export { canonicalPath, decodePath, decodeQueryText, encodePath, encodeQueryText } from './uri.ts'
export * from './xml/index.ts'
