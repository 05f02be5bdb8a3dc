/** The checksums of S3: of bodies in pieces, of objects in parts, and where they are written. */
export { type Checksum, createChecksum } from './checksum.ts'
export { combineChecksums, compositeChecksum, type PartChecksum } from './combine.ts'
export {
  type BodyChecksum,
  CHECKSUMS,
  checksumOfHeader,
  isChecksumValue,
  readBodyChecksum,
  readContentMd5,
} from './headers.ts'
