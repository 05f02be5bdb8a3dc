/** What the S3 suite reads and writes. */

export const BUCKET = 'bench'

/** The objects that the backend has. */
export const OBJECTS = {
  '1k': { path: `/${BUCKET}/1k`, bytes: 1024 },
  '1m': { path: `/${BUCKET}/1m`, bytes: 2 ** 20 },
  '64m': { path: `/${BUCKET}/64m`, bytes: 2 ** 26 },
} as const

export type ObjectName = keyof typeof OBJECTS
