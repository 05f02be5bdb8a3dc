/**
 * The headers of a message in NATS. They stand as they are where NATS has such, so that others read them; those which it
 * would change, or which mean something to the server, stand as JSON in one of ours.
 */
import type { MsgHdrs } from '@nats-io/transport-node'
import type { Delivery, OutgoingMessage } from '../../apis/index.ts'

const CONTENT_TYPE = 'Content-Type'
const OTHERS = 'Portolan-Headers'

/** Names that we or the server use. */
const RESERVED = /^(nats-|content-type$|portolan-headers$)/i
const NAME = /^[-!$%&'*+.^_`|~\w]+$/
/** No line within, and no blank at an end, which is cut off. */
const VALUE = /^(\S(.*\S)?)?$/

export function headersOf({ headers, contentType }: OutgoingMessage): Record<string, string> {
  const plain: Record<string, string> = {}
  const others: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (NAME.test(name) && VALUE.test(value) && !RESERVED.test(name)) plain[name] = value
    else others[name] = value
  }
  if (VALUE.test(contentType) && contentType !== '') plain[CONTENT_TYPE] = contentType
  if (Object.keys(others).length > 0) plain[OTHERS] = JSON.stringify(others)
  return plain
}

export function readHeaders(headers: MsgHdrs | undefined): Pick<Delivery, 'headers' | 'contentType'> {
  if (!headers) return { headers: {}, contentType: '' }
  const names = headers.keys().filter(name => !RESERVED.test(name))
  const plain = Object.fromEntries(names.map(name => [name, headers.get(name)]))
  return { headers: { ...plain, ...parsed(headers.get(OTHERS)) }, contentType: headers.get(CONTENT_TYPE) }
}

/** Whatever somebody else has put there is no reason to lose the message. */
function parsed(text: string): Record<string, string> {
  if (text === '') return {}
  try {
    const given = JSON.parse(text) as unknown
    if (typeof given !== 'object' || given === null) return {}
    return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)]))
  } catch {
    return {}
  }
}
