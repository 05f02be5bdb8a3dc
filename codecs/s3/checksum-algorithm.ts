/** The checksums of S3 that an application may send, by the names of the API's `ChecksumAlgorithm`. */
export type ChecksumAlgorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA1' | 'SHA256'
