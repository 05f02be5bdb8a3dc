/** The S3 codec: bytes and text of the S3 REST API, as pure functions. */
export type { ChecksumAlgorithm } from './checksum-algorithm.ts'
export type { Operation } from './operation.ts'
export * from './xml/index.ts'
