/** How long a head may be. */
export interface HeadLimits {
  /** From the first line to the empty one. */
  readonly maxHeadBytes: number
  readonly maxHeaders: number
}

/** S3 allows 8 KiB of headers and 2 KiB of them for metadata; presigned targets carry tokens of some KiB. */
export const HEAD_LIMITS: HeadLimits = { maxHeadBytes: 32 * 1024, maxHeaders: 200 }
