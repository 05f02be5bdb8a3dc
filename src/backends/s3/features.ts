/** What S3 services can do that not all can: by what their profiles lack. */
import type { Profile } from './profiles/profile.ts'

export const s3Features = {
  's3.acl': 'Access control lists.',
  's3.tagging': 'Tags of objects and buckets.',
  's3.versioning': 'Versions of objects.',
  's3.policy': 'Policies of buckets.',
  's3.lifecycle': 'Rules by which objects expire.',
  's3.object-lock': 'Objects that cannot be deleted for a time.',
  's3.website': 'Buckets served as web sites.',
  's3.cors': 'CORS rules kept by the service.',
  's3.sse': 'Encryption by the service.',
  's3.sse-kms': 'Encryption with keys of a key service.',
  's3.part-copy': 'Parts of an upload copied from another object.',
  's3.create-only': 'Writes only where nothing is (If-None-Match: *).',
  's3.conditional-write': 'Writes only over a known version (If-Match).',
} as const satisfies Readonly<Record<`s3.${string}`, string>>

type Feature = keyof typeof s3Features

/** How profiles call what they lack, where that is not the feature's own name. */
const LACKS: Readonly<Record<string, readonly Feature[]>> = {
  'object-acl': ['s3.acl'],
  'object-tagging': ['s3.tagging'],
  'upload-part-copy': ['s3.part-copy'],
  'legal-hold': ['s3.object-lock'],
  sse: ['s3.sse', 's3.sse-kms'],
}

export function featuresOf({ lacks, createOnly, conditionalWrite }: Profile): readonly string[] {
  const absent = new Set<string>(lacks.flatMap((name): readonly string[] => LACKS[name] ?? [`s3.${name}`]))
  if (createOnly === 'unsupported') absent.add('s3.create-only')
  if (conditionalWrite === 'unsupported') absent.add('s3.conditional-write')
  return Object.keys(s3Features).filter(feature => !absent.has(feature))
}

/** What the store of files of this machine has. */
export const FILE_FEATURES: readonly Feature[] = [
  's3.tagging',
  's3.part-copy',
  's3.create-only',
  's3.conditional-write',
]
