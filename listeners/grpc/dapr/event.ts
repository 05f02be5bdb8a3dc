/** A CloudEvent in the fields that Dapr's messages share. */
import type { Event } from '../../../src/services/index.ts'
import { toStruct } from './struct.ts'

export function eventFields({ source, type, specVersion, dataContentType, data, extensions }: Event): object {
  return {
    source,
    type,
    spec_version: specVersion,
    data_content_type: dataContentType,
    data,
    extensions: toStruct(extensions),
  }
}
