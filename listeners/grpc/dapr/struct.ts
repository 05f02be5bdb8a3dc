/** JSON values as google.protobuf.Struct. */

export interface Struct {
  readonly fields: Readonly<Record<string, object>>
}

export function toStruct(value: Readonly<Record<string, unknown>>): Struct {
  return { fields: Object.fromEntries(Object.entries(value).map(([key, each]) => [key, toValue(each)])) }
}

function toValue(value: unknown): object {
  switch (typeof value) {
    case 'string':
      return { stringValue: value }
    case 'number':
      return { numberValue: value }
    case 'boolean':
      return { boolValue: value }
    default:
      if (Array.isArray(value)) return { listValue: { values: value.map(toValue) } }
      return value === null || value === undefined
        ? { nullValue: 0 }
        : { structValue: toStruct(value as Record<string, unknown>) }
  }
}
