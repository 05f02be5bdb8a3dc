/**
 * Metadata of gRPC as header fields and back: values of names that end with `-bin` are bytes, in base64 on the wire.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
import type { AppMetadata } from '../../src/apis/index.ts'
import type { Field } from './http2/index.ts'

const NAME = /^[0-9a-z_.-]+$/
/** What may stand in a value: printable ASCII. */
const VALUE = /^[ -~]*$/

/** Several values of a `-bin` field may stand in one, with commas between. */
export function metadataOf(fields: readonly Field[]): AppMetadata {
  return fields.flatMap(([name, value]): AppMetadata => {
    if (!name.endsWith('-bin')) return [[name, value]]
    return value.split(',').map(each => [name, Buffer.from(each, 'base64')])
  })
}

/** The first text of that name. */
export function textOf(metadata: AppMetadata, name: string): string | undefined {
  const found = metadata.find(([each, value]) => each === name && typeof value === 'string')
  return found?.[1] as string | undefined
}

/** What cannot be a field is left out: it came from somebody who did not say it in gRPC. */
export function fieldsOf(metadata: AppMetadata): readonly Field[] {
  return metadata.flatMap(([name, value]): readonly Field[] => {
    const key = name.toLowerCase()
    if (!NAME.test(key) || key.endsWith('-bin') !== Buffer.isBuffer(value)) return []
    if (typeof value !== 'string') return [[key, value.toString('base64').replace(/=+$/, '')]]
    return VALUE.test(value) ? [[key, value]] : []
  })
}

/** As `grpc-message` has it: UTF-8, with percent signs for what is not printable. */
export function percentEncoded(text: string): string {
  if (/^[ -$&-~]*$/.test(text)) return text
  return Array.from(Buffer.from(text), byte =>
    byte >= 0x20 && byte <= 0x7e && byte !== 0x25
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('')
}
