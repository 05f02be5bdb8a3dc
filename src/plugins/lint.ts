/** What in a .proto would tie an application to one product, although several implement it. */
import type { MapField, Method, NamespaceBase, ReflectionObject } from 'protobufjs'
import { CLOUDS } from '../features/index.ts'
import type { Manifest } from './manifest.ts'
import type { PluginSchema } from './schema.ts'

/** Names of vendors that stand in an API by habit, beside the clouds and the products of the manifest. */
const VENDORS = [
  ...CLOUDS,
  ...['Amazon', 'Microsoft', 'GCP', 'Aliyun', 'Volcengine', 'Baidu', 'Cloudflare', 'Twilio', 'Vonage', 'SendGrid'],
]

/** Taken by Portolan and those whose APIs it serves. */
const RESERVED = ['dapr', 'spec.proto', 'grpc', 'google', 'portolan']

/** Fields that can hold anything: what one implementation puts there, another does not know. */
const FREE_TYPES = ['google.protobuf.Struct', 'google.protobuf.Value', 'google.protobuf.Any']

/** Each objection a sentence; none is well. */
export function lint(manifest: Manifest, { root }: PluginSchema): string[] {
  const objections: string[] = []
  const products = Object.entries(manifest.implementations).flatMap(([name, { product }]) => [name, product])
  const names = [...VENDORS, ...products].map(name => ({ name, words: wordsOf(name) }))
  for (const prefix of RESERVED)
    if (manifest.service.startsWith(`${prefix}.`)) objections.push(`the package ${prefix} is taken`)
  const look = (object: ReflectionObject, path: string): void => {
    const words = wordsOf(object.name)
    const vendor = names.find(each => contains(words, each.words))
    if (vendor) objections.push(`${path} names ${vendor.name}: an API that others can implement names no vendor`)
    if ('type' in object) {
      const { keyType, type } = object as MapField
      if (keyType !== undefined && ['string', 'bytes'].includes(type))
        objections.push(`${path} is a free map: give what it may hold fields of their own`)
      if (FREE_TYPES.includes(type.replace(/^\./, '')))
        objections.push(`${path} may hold anything: give what it may hold fields of their own`)
    }
    if ('requestType' in object) {
      const { requestType, responseType } = object as Method
      if ([requestType, responseType].some(type => FREE_TYPES.includes(type.replace(/^\./, ''))))
        objections.push(`${path} may hold anything: give it messages of its own`)
    }
    if ('methods' in object)
      for (const each of Object.values(object.methods as object)) look(each, `${path}.${each.name}`)
    if ('fields' in object)
      for (const each of Object.values(object.fields as object)) look(each, `${path}.${each.name}`)
    if ('values' in object)
      for (const value of Object.keys(object.values as object))
        if (names.some(each => contains(wordsOf(value), each.words)))
          objections.push(`${path}.${value} names a vendor: an API that others can implement names none`)
    for (const each of (object as NamespaceBase).nestedArray ?? [])
      look(each, path ? `${path}.${each.name}` : each.name)
  }
  for (const each of root.nestedArray) if (each.name !== 'google') look(each, each.name)
  return objections
}

/** `awsRegion`, `AWS_REGION` and `aws-region` are the same words. */
function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter(word => word !== '')
}

function contains(words: readonly string[], sought: readonly string[]): boolean {
  return words.some((_, i) => sought.every((word, j) => words[i + j] === word))
}
