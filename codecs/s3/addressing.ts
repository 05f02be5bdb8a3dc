/** Which bucket and key a request is about, by its host and path, and how the backend wants to be told. */
import { S3Error } from './errors.ts'
import { decodePath, encodePath } from './uri.ts'

export interface Address {
  /** Empty for requests about no bucket. */
  readonly bucket: string
  /** Decoded; empty for requests about a bucket. */
  readonly key: string
  /** How the request named the bucket. */
  readonly style: AddressingStyle
}

export type AddressingStyle = 'path' | 'virtual-host'

/** Domains below which the labels of a host name a bucket, made ready: in lower case, longest first, each after its dot. */
export type BaseDomains = readonly string[]

export function baseDomains(names: readonly string[]): BaseDomains {
  const suffixes = names.map(name => `.${name.toLowerCase().replace(/^[.*]+|\.$/g, '')}`)
  return [...new Set(suffixes)].sort((a, b) => b.length - a.length)
}

/**
 * Reads the Host header and the raw path (from its first slash, without the query). Hosts below none of the domains are
 * of path style. Throws InvalidURI, and InvalidBucketName for what no store calls a bucket.
 */
export function parseAddress(host: string, rawPath: string, domains: BaseDomains): Address {
  if (rawPath.charCodeAt(0) !== 0x2f) throw new S3Error('InvalidURI')
  const hosted = domains.length === 0 ? undefined : hostedBucket(host, domains)
  if (hosted !== undefined) {
    checkBucket(hosted)
    return { bucket: hosted, key: decodePath(rawPath.slice(1)), style: 'virtual-host' }
  }
  // Divided before it is decoded: an encoded slash belongs to the name it is in.
  const slash = rawPath.indexOf('/', 1)
  const bucket = decodePath(slash < 0 ? rawPath.slice(1) : rawPath.slice(1, slash))
  const key = slash < 0 ? '' : decodePath(rawPath.slice(slash + 1))
  if (bucket === '') {
    if (slash < 0) return { bucket, key, style: 'path' }
    throw new S3Error('InvalidBucketName')
  }
  checkBucket(bucket)
  return { bucket, key, style: 'path' }
}

/** The bucket that the labels before a base domain name. */
function hostedBucket(host: string, domains: BaseDomains): string | undefined {
  const colon = host.lastIndexOf(':')
  // An address of IPv6 stands in brackets and is below no domain.
  let name = (colon < 0 ? host : host.slice(0, colon)).toLowerCase()
  if (name.endsWith('.')) name = name.slice(0, -1)
  // The leading dot makes the domain itself end so, too; it names no bucket, also not one of a shorter domain.
  const suffix = domains.find(suffix => `.${name}`.endsWith(suffix))
  return suffix === undefined || suffix.length > name.length ? undefined : name.slice(0, -suffix.length)
}

/**
 * Wider than any store's rules, so that the store itself may judge, yet nothing that could leave its place in a path or
 * host. Ceph has `tenant:bucket`.
 */
const CONCEIVABLE = /^(?!\.{1,2}$)[A-Za-z0-9._:-]{1,255}$/

function checkBucket(bucket: string): void {
  if (!CONCEIVABLE.test(bucket)) throw new S3Error('InvalidBucketName', undefined, { BucketName: bucket })
}

const NEW_NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/
const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/
const RESERVED = /^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$/

/** Whether AWS would let a general purpose bucket of this name be made today. */
export function isBucketName(name: string): boolean {
  return NEW_NAME.test(name) && !name.includes('..') && !IPV4.test(name) && !RESERVED.test(name)
}

/** What of a backend's address decides how its buckets are named. */
export interface UpstreamAddressing {
  readonly style: AddressingStyle
  /** With its port, unless it is the scheme's own. */
  readonly host: string
  /** Whose certificate covers one label, so that a bucket with dots is named in the path. */
  readonly tls: boolean
}

/** Host and encoded path, which is sent and signed as it is. */
export interface UpstreamAddress {
  readonly host: string
  readonly path: string
}

export function upstreamAddress(to: UpstreamAddressing, bucket: string, key: string): UpstreamAddress {
  if (bucket === '') return { host: to.host, path: '/' }
  if (to.style === 'virtual-host' && isBucketName(bucket) && !(to.tls && bucket.includes('.'))) {
    return { host: `${bucket}.${to.host}`, path: `/${encodePath(key)}` }
  }
  return { host: to.host, path: encodePath(key === '' ? `/${bucket}` : `/${bucket}/${key}`) }
}
