/**
 * The messages and services of protos/, as protobufjs's JSON. The build puts the parsed JSON in this file's place
 * (scripts/build.mjs), so that a start parses nothing; from source they are parsed here.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { INamespace } from 'protobufjs'

const FILES = [
  'dapr/proto/common/v1/common.proto',
  'dapr/proto/runtime/v1/appcallback.proto',
  'dapr/proto/runtime/v1/dapr.proto',
  'google/rpc/status.proto',
  'grpc/health/v1/health.proto',
  'grpc/reflection/v1/reflection.proto',
  'grpc/reflection/v1alpha/reflection.proto',
  'portolan/v1/portolan.proto',
  'spec/proto/runtime/v1/runtime.proto',
]

export const protos: INamespace = parseAll()

function parseAll(): INamespace {
  const require = createRequire(import.meta.url)
  const { Root, parse, common } = require('protobufjs') as typeof import('protobufjs')
  const root = new Root()
  for (const file of ['google/protobuf/any.proto', 'google/protobuf/empty.proto', 'google/protobuf/struct.proto'])
    root.addJSON(common.get(file)!.nested!)
  for (const file of FILES)
    parse(readFileSync(new URL(`protos/${file}`, import.meta.url), 'utf8'), root, { keepCase: true })
  return root.resolveAll().toJSON()
}
