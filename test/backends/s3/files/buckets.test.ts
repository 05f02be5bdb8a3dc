import { beforeAll, describe, expect, test } from 'vitest'
import { Client } from './harness.ts'

let client: Client
beforeAll(async () => {
  client = await Client.started()
})

const CONFIGURATION = (region: string) =>
  `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>${region}</LocationConstraint></CreateBucketConfiguration>`

describe('a bucket', () => {
  test('is made, found, listed and removed', async () => {
    expect((await client.ask('HEAD', 'one')).status).toBe(404)
    const made = await client.ask('PUT', 'one')
    expect([made.status, made.headers['location']]).toEqual([200, '/one'])
    expect((await client.ask('HEAD', 'one')).headers['x-amz-bucket-region']).toBe('us-east-1')
    const { xml } = await client.ask('GET', '')
    expect(xml.name).toBe('ListAllMyBucketsResult')
    const [bucket] = xml.child('Buckets')!.all('Bucket')
    expect([bucket!.textOf('Name'), bucket!.textOf('CreationDate')]).toEqual(['one', '2026-11-28T04:00:00.000Z'])
    expect((await client.ask('DELETE', 'one')).status).toBe(204)
    expect((await client.ask('HEAD', 'one')).status).toBe(404)
    expect((await client.ask('DELETE', 'one')).code).toBe('NoSuchBucket')
  })

  test('that is there is made again by its owner, but only in the first region', async () => {
    await client.ask('PUT', 'twice')
    expect((await client.ask('PUT', 'twice')).status).toBe(200)
    expect((await client.ask('PUT', 'twice', { body: CONFIGURATION('eu-west-1') })).code).toBe(
      'BucketAlreadyOwnedByYou',
    )
  })

  test('knows its location', async () => {
    expect((await client.ask('PUT', 'far', { body: CONFIGURATION('eu-west-1') })).status).toBe(200)
    expect((await client.ask('PUT', 'far', { body: CONFIGURATION('eu-west-1') })).code).toBe('BucketAlreadyOwnedByYou')
    expect((await client.ask('HEAD', 'far')).headers['x-amz-bucket-region']).toBe('eu-west-1')
    expect((await client.ask('GET', 'far', { query: { location: '' } })).xml.text).toBe('eu-west-1')
    await client.ask('PUT', 'near', { body: CONFIGURATION('us-east-1') })
    expect((await client.ask('GET', 'near', { query: { location: '' } })).xml.text).toBe('')
    await client.reopen()
    expect((await client.ask('GET', 'far', { query: { location: '' } })).xml.text).toBe('eu-west-1')
  })

  test('without a location is where the application believes to be', async () => {
    client.region = 'eu-north-1'
    await client.ask('PUT', 'here', { body: CONFIGURATION('eu-north-1') })
    expect((await client.ask('HEAD', 'here')).headers['x-amz-bucket-region']).toBe('eu-north-1')
    expect((await client.ask('GET', 'here', { query: { location: '' } })).xml.text).toBe('eu-north-1')
    client.region = 'us-east-1'
    expect((await client.ask('GET', 'here', { query: { location: '' } })).xml.text).toBe('')
  })

  test('with objects stays', async () => {
    await client.ask('PUT', 'full')
    await client.put('full', 'a', 'x')
    expect((await client.ask('DELETE', 'full')).code).toBe('BucketNotEmpty')
    await client.ask('DELETE', 'full', { key: 'a' })
    expect((await client.ask('DELETE', 'full')).status).toBe(204)
  })

  test.each(['ab', 'A-b-c', 'a..b', '..', '../x', 'a/b', '.abc', '1.2.3.4', 'a'.repeat(64)])(
    'is never called %s',
    async name => {
      expect((await client.ask('PUT', name)).code).toBe('InvalidBucketName')
      expect((await client.ask('GET', name)).code).toBe('NoSuchBucket')
    },
  )

  test.each(['<x', '<Other/>', CONFIGURATION('../x')])('is not made by %s', async body => {
    expect((await client.ask('PUT', 'badly', { body })).status).toBe(400)
    expect((await client.ask('HEAD', 'badly')).status).toBe(404)
  })

  test('is never deleted from under a put, nor a put lost that succeeded', async () => {
    for (let round = 0; round < 20; round++) {
      await client.ask('PUT', 'race')
      const [put, deleted] = await Promise.all([client.put('race', 'a', 'x'), client.ask('DELETE', 'race')])
      const isThere = (await client.ask('HEAD', 'race')).status === 200
      expect([put.status, deleted.status, isThere]).toEqual(put.status === 200 ? [200, 409, true] : [404, 204, false])
      await client.ask('DELETE', 'race', { key: 'a' })
    }
  })
})

describe('the list of buckets', () => {
  test('comes in pages', async () => {
    for (const name of ['page-c', 'page-a', 'page-b']) await client.ask('PUT', name)
    const names: string[] = []
    let token: string | undefined = ''
    while (token !== undefined) {
      const query = { prefix: 'page-', 'max-buckets': 2, ...(token === '' ? {} : { 'continuation-token': token }) }
      const { xml }: Awaited<ReturnType<Client['ask']>> = await client.ask('GET', '', { query })
      names.push(
        ...xml
          .child('Buckets')!
          .all('Bucket')
          .map(bucket => bucket.textOf('Name')!),
      )
      token = xml.textOf('ContinuationToken')
    }
    expect(names).toEqual(['page-a', 'page-b', 'page-c'])
  })
})

describe('what a bucket does not have', () => {
  beforeAll(async () => {
    await client.ask('PUT', 'bare')
  })

  test.each([
    ['versioning', 'VersioningConfiguration'],
    ['acl', 'AccessControlPolicy'],
    ['logging', 'BucketLoggingStatus'],
    ['notification', 'NotificationConfiguration'],
    ['accelerate', 'AccelerateConfiguration'],
    ['requestPayment', 'RequestPaymentConfiguration'],
    ['ownershipControls', 'OwnershipControls'],
  ])('%s is answered by an empty or fixed document', async (name, root) => {
    const got = await client.ask('GET', 'bare', { query: { [name]: '' } })
    expect([got.status, got.xml.name]).toEqual([200, root])
    expect((await client.ask('GET', 'nobare', { query: { [name]: '' } })).code).toBe('NoSuchBucket')
  })

  test.each([
    ['policy', 'NoSuchBucketPolicy'],
    ['cors', 'NoSuchCORSConfiguration'],
    ['lifecycle', 'NoSuchLifecycleConfiguration'],
    ['tagging', 'NoSuchTagSet'],
    ['encryption', 'ServerSideEncryptionConfigurationNotFoundError'],
    ['object-lock', 'ObjectLockConfigurationNotFoundError'],
    ['website', 'NoSuchWebsiteConfiguration'],
    ['replication', 'ReplicationConfigurationNotFoundError'],
    ['publicAccessBlock', 'NoSuchPublicAccessBlockConfiguration'],
  ])('%s is answered as never set', async (name, code) => {
    const got = await client.ask('GET', 'bare', { query: { [name]: '' } })
    expect([got.status, got.code]).toEqual([404, code])
  })

  test.each(['versioning', 'policy', 'lifecycle', 'cors', 'tagging', 'acl'])('%s cannot be set', async name => {
    const got = await client.ask('PUT', 'bare', { query: { [name]: '' }, body: '<x/>' })
    expect([got.status, got.code]).toEqual([501, 'NotImplemented'])
    expect(got.xml.textOf('Message')).toMatch(/embedded store/)
  })
})
