/** The messages and services as FileDescriptorProto, one file for each package, for reflection. */
import type { Root } from 'protobufjs'
import descriptor, { type IFileDescriptorProto } from 'protobufjs/ext/descriptor.js'
import { schemaRoot } from './schema.ts'

export interface DescribedFile {
  readonly name: string
  /** Full names of its messages, enumerations and services. */
  readonly symbols: readonly string[]
  readonly bytes: Buffer
}

const described = new WeakMap<object, readonly DescribedFile[]>()

/** `folder`: what stands before the names of the files, where they are not ours. */
export function describeFiles(root: Root = schemaRoot, folder?: string): readonly DescribedFile[] {
  const known = described.get(root)
  if (known) return known
  const { file } = root.toDescriptor('proto3') as unknown as { readonly file: readonly IFileDescriptorProto[] }
  for (const each of file) if (folder !== undefined) each.name = `${folder}/${each.name}`
  const files = file.map(each => {
    const dependency = file.filter(other => other !== each && refersTo(each, other.package!)).map(({ name }) => name!)
    const message = descriptor.FileDescriptorProto.fromObject({ ...each, dependency })
    return {
      name: each.name!,
      symbols: [...(each.messageType ?? []), ...(each.enumType ?? []), ...(each.service ?? [])].map(
        ({ name }) => `${each.package}.${name}`,
      ),
      bytes: Buffer.from(descriptor.FileDescriptorProto.encode(message).finish()),
    }
  })
  described.set(root, files)
  return files
}

/** Whether something in the file has a type of that package. */
function refersTo(file: IFileDescriptorProto, name: string): boolean {
  return new RegExp(`"\\.${name.replaceAll('.', '\\.')}\\.[A-Z]\\w*`).test(JSON.stringify(file))
}
