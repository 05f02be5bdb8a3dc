/** Headers out of what comes as text: parameters of a query, fields of a form. */

const NAME = /^[a-z0-9._-]+$/
const NOT_A_VALUE = /[\u0000-\u0008\u000a-\u001f\u007f]/

/** The value as the bytes of a header, in latin1. Undefined for what could end it, or a name that is none of a header. */
export function headerText(name: string, value: string): string | undefined {
  if (!NAME.test(name) || NOT_A_VALUE.test(value)) return undefined
  return Buffer.from(value, 'utf8').toString('latin1')
}
