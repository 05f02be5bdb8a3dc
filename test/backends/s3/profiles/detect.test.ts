import { expect, test } from 'vitest'
import { detectProfile } from '../../../../src/backends/s3/profiles/detect.ts'
import { PROFILES } from '../../../../src/backends/s3/profiles/table.ts'

test.each([
  [{ server: 'AmazonS3' }, 'aws'],
  [{ server: 'AliyunOSS' }, 'aliyun-oss'],
  [{ server: 'MinIO' }, 'minio'],
  // As Ceph 16.2.15 and Swift 2.30.1 answer.
  [{ 'x-amz-request-id': 'tx0000073d1575d9a39d891-006b0a5fa1-100f-default' }, 'ceph-before-squid'],
  [{ 'x-openstack-request-id': 'tx4662b247b8ae49e69e456-006b0a5fa1' }, 'swift'],
  [{ server: 'nginx' }, undefined],
])('%o is of %s', (headers: Record<string, string>, profile) => {
  expect(detectProfile(headers)).toBe(profile)
  if (profile !== undefined) expect(PROFILES.has(profile)).toBe(true)
})
