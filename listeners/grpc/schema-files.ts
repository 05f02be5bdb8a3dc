/** The messages and services as FileDescriptorProto, one file for each package, for reflection. */
import descriptor, { type IFileDescriptorProto } from 'protobufjs/ext/descriptor.js'
import { schemaRoot } from './schema.ts'

export interface DescribedFile {
  readonly name: string
  /** Full names of its messages, enumerations and services. */
  readonly symbols: readonly string[]
  readonly bytes: Buffer
}

let files: readonly DescribedFile[] | undefined

export function describeFiles(): readonly DescribedFile[] {
  if (files) return files
  const { file } = schemaRoot.toDescriptor('proto3') as unknown as { readonly file: readonly IFileDescriptorProto[] }
  files = file.map(each => {
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
  return files
}

/** Whether something in the file has a type of that package. */
function refersTo(file: IFileDescriptorProto, name: string): boolean {
  return new RegExp(`"\\.${name.replaceAll('.', '\\.')}\\.[A-Z]\\w*`).test(JSON.stringify(file))
}
