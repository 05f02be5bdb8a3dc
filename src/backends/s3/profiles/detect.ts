/** Which kind of service an answer seems to be of, by what each puts into its headers. */

/** Header in lower case, a sign in its value, and the profile; the first that fits counts. */
const SIGNS: readonly (readonly [header: string, sign: RegExp, profile: string])[] = [
  ['server', /^AmazonS3/, 'aws'],
  ['server', /^AliyunOSS/, 'aliyun-oss'],
  ['server', /^tencent-cos/i, 'tencent-cos'],
  ['server', /^OBS/, 'huawei-obs'],
  ['server', /^UploadServer/, 'gcs'],
  ['server', /^cloudflare/i, 'cloudflare-r2'],
  ['server', /^MinIO/i, 'minio'],
  ['server', /^WasabiS3/i, 'wasabi'],
  ['server', /^Ceph Object Gateway \((?:squid|tentacle)/i, 'ceph'],
  ['opc-request-id', /./, 'oci'],
  ['x-openstack-request-id', /./, 'swift'],
  // Its own form of request ids; versions that tell no more are older than Squid.
  ['x-amz-request-id', /^tx[0-9a-f]{21}-[0-9a-f]+-/, 'ceph-before-squid'],
]

/** Headers by their names in lower case. Undefined when nothing gives it away. */
export function detectProfile(headers: Readonly<Record<string, string>>): string | undefined {
  return SIGNS.find(([header, sign]) => sign.test(headers[header] ?? ''))?.[2]
}
