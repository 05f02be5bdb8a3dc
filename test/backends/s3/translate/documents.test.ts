import { expect, test } from 'vitest'
import { bucketConfiguration } from '../../../../src/backends/s3/translate/documents.ts'

const named = (region: string) =>
  Buffer.from(
    `<CreateBucketConfiguration><LocationConstraint>${region}</LocationConstraint></CreateBucketConfiguration>`,
  )

test.each([
  ['the region of before becomes the service’s', named('cn-north-1'), 'eu-west-1', false, 'eu-west-1'],
  ['nothing is said where the region goes without saying', named('cn-north-1'), 'us-east-1', true, ''],
  ['a service that demands the region is told it', Buffer.alloc(0), 'eu-west-1', true, 'eu-west-1'],
  ['others are not', Buffer.alloc(0), 'eu-west-1', false, ''],
])('%s', (_, document, region, isDemanded, expected) => {
  const text = bucketConfiguration(document, region, isDemanded).toString()
  expect(/<LocationConstraint>(.*)<\/LocationConstraint>/.exec(text)?.[1] ?? '').toBe(expected)
})
