/** The .proto of a plug-in, parsed when it is loaded: its service and the codecs of its messages. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Root, Service, Type } from 'protobufjs'
import type { Manifest } from './manifest.ts'
import { type Message, PluginError } from './plugin.ts'

export interface PluginSchema {
  readonly root: Root
  readonly service: Service
  readonly methods: Readonly<Record<string, PluginMethodShape>>
}

/** A method: its kind and its messages. */
export interface PluginMethodShape {
  readonly responseStream: boolean
  readonly request: PluginCodec
  readonly response: PluginCodec
}

export interface PluginCodec {
  /** Throws a TypeError for what the message cannot hold. */
  readonly encode: (message: object) => Buffer
  readonly decode: (bytes: Buffer) => Message
}

export async function parseSchema(folder: string, manifest: Manifest): Promise<PluginSchema> {
  const { default: protobuf } = await import('protobufjs')
  const path = join(folder, manifest.proto)
  const text = await readFile(path, 'utf8').catch(error => {
    throw new PluginError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  })
  const root = new protobuf.Root()
  try {
    const { imports = [], weakImports = [] } = protobuf.parse(text, root, { keepCase: true })
    for (const name of [...imports, ...weakImports]) {
      const known = protobuf.common.get(name)
      if (!known) throw new Error(`imports ${name}: only google/protobuf/*.proto can be imported`)
      root.addJSON(known.nested!)
    }
    root.resolveAll()
  } catch (error) {
    throw new PluginError(`${path}: ${(error as Error).message}`)
  }
  const service = root.nestedArray.length > 0 ? found(root, manifest.service) : undefined
  if (!service) throw new PluginError(`${path} has no service ${manifest.service}`)
  const methods: Record<string, PluginMethodShape> = {}
  for (const method of service.methodsArray) {
    method.resolve()
    if (method.requestStream)
      throw new PluginError(`${path}: ${method.name} takes a stream; a plug-in can only send one`)
    methods[method.name] = {
      responseStream: method.responseStream === true,
      request: codecOf(method.resolvedRequestType!),
      response: codecOf(method.resolvedResponseType!),
    }
  }
  if (service.methodsArray.length === 0) throw new PluginError(`${path}: ${manifest.service} has no methods`)
  return { root, service, methods }
}

function found(root: Root, name: string): Service | undefined {
  try {
    return root.lookupService(name)
  } catch {
    return undefined
  }
}

function codecOf(type: Type): PluginCodec {
  return {
    encode(message) {
      if (typeof message !== 'object' || message === null)
        throw new TypeError(`${type.fullName.slice(1)} must be an object`)
      for (const name of Object.keys(message))
        if (!type.fields[name]) throw new TypeError(`${type.fullName.slice(1)} has no field ${name}`)
      return type.encode(type.fromObject(message)).finish() as Buffer
    },
    decode: bytes => type.toObject(type.decode(bytes), { defaults: true, enums: String, longs: String, bytes: Buffer }),
  }
}
