/** What the HTTP/1.1 codec and Node's own parser make of the bytes of a connection, as values that can be compared. */
import { ProtocolError } from '../../codecs/codec.ts'
import {
  BodyDecoder,
  type HeadLimits,
  PartialHead,
  type RequestHead,
  type ResponseHead,
  readRequestHead,
  readResponseHead,
} from '../../codecs/http1/index.ts'

export interface Message {
  /** Method and target, or status and reason. */
  readonly line: readonly string[]
  readonly minor: number
  /** Name and value in turn, as they came. */
  readonly headers: readonly string[]
  readonly keepAlive: boolean
  body: string
  trailers: string[]
  whole: boolean
}

export interface Read {
  /** In order; only the last one may not be whole. */
  readonly messages: Message[]
  /** The kind of the error that ended reading. */
  readonly error: string | undefined
  /** Nothing behind the last message belongs to this protocol: it was to be the last one, or leaves HTTP. */
  readonly closed: boolean
}

/** Reads requests. */
export function readRequests(pieces: readonly Buffer[], limits?: HeadLimits): Read {
  return read(pieces, false, limits, (bytes, at, end, seen) => readRequestHead(bytes, at, end, seen, limits))
}

/** Reads responses, all to requests of that method, until the connection is closed behind the last byte. */
export function readResponses(pieces: readonly Buffer[], method: string, limits?: HeadLimits): Read {
  return read(pieces, true, limits, (bytes, at, end, seen) => readResponseHead(bytes, at, end, method, seen, limits))
}

type Head = RequestHead | ResponseHead

function read(
  pieces: readonly Buffer[],
  closes: boolean,
  limits: HeadLimits | undefined,
  readHead: (bytes: Buffer, at: number, end: number, seen: number) => Head | undefined,
): Read {
  const messages: Message[] = []
  let message: Message | undefined
  let last = false
  let error: string | undefined
  const body = new BodyDecoder({
    onData: view => {
      message!.body += view.toString('latin1')
    },
    onTrailer: (name, value) => message!.trailers.push(name, value),
    onEnd: () => {
      message!.whole = true
      message = undefined
    },
  })
  const begin = (head: Head): void => {
    const { names, rawNames, values } = head.headers
    if (rawNames.some((name, i) => name.toLowerCase() !== names[i])) throw new Error('the names differ')
    message = {
      line: 'method' in head ? [head.method, head.target] : [String(head.status), head.reason],
      minor: head.minor,
      headers: rawNames.flatMap((name, i) => [name, values[i]!]),
      keepAlive: head.keepAlive,
      body: '',
      trailers: [],
      whole: false,
    }
    messages.push(message)
    last = !head.keepAlive || ('status' in head && head.status === 101)
    body.begin(head.body, head.length)
  }

  const partial = new PartialHead()
  try {
    for (const piece of pieces) {
      let at = 0
      while (at < piece.length) {
        if (!body.ended) {
          at = body.write(piece, at, piece.length)
          continue
        }
        if (last) break
        if (partial.length > 0) {
          const before = partial.length
          partial.append(piece.subarray(at), limits)
          const head = readHead(partial.bytes, 0, partial.length, partial.seen)
          if (!head) break
          at += head.end - before
          partial.clear()
          begin(head)
        } else {
          const head = readHead(piece, at, piece.length, at)
          if (!head) {
            partial.append(piece.subarray(at), limits)
            break
          }
          at = head.end
          begin(head)
        }
      }
    }
    if (closes && !body.ended) body.close()
  } catch (caught) {
    if (!(caught instanceof ProtocolError)) throw caught
    error = caught.kind
  }
  return { messages, error, closed: last }
}

// --- Node's parser, which its http servers and clients use ------------------------------------------------------------

interface NodeParser {
  [callback: number]: (...args: never[]) => unknown
  initialize(type: number, resource: object, maxHeaderBytes: number, lenient: number): void
  execute(bytes: Buffer): number | undefined | NodeParserError
  finish(): NodeParserError | undefined
  close(): void
}

interface NodeParserError extends Error {
  readonly code: string
}

interface NodeParserClass {
  new (): NodeParser
  readonly REQUEST: number
  readonly RESPONSE: number
  readonly kLenientNone: number
  readonly kOnHeaders: number
  readonly kOnHeadersComplete: number
  readonly kOnBody: number
  readonly kOnMessageComplete: number
}

const { HTTPParser, methods } = process.getBuiltinModule('_http_common') as unknown as {
  HTTPParser: NodeParserClass
  methods: readonly string[]
}

/** As readRequests(), by Node. */
export function readRequestsByNode(bytes: Buffer): Read {
  return readByNode(bytes, HTTPParser.REQUEST, '')
}

/** As readResponses(), by Node. */
export function readResponsesByNode(bytes: Buffer, method: string): Read {
  return readByNode(bytes, HTTPParser.RESPONSE, method)
}

function readByNode(bytes: Buffer, type: number, requestMethod: string): Read {
  const messages: Message[] = []
  let message: Message | undefined
  let closed = false
  let fields: string[] = []
  let url = ''
  const parser = new HTTPParser()
  parser.initialize(type, {}, 0, HTTPParser.kLenientNone)
  // Called before the one below where a head, or the trailers, are long.
  parser[HTTPParser.kOnHeaders] = (some: string[], part: string) => {
    fields.push(...some)
    url += part
  }
  parser[HTTPParser.kOnHeadersComplete] = (
    _major: number,
    minor: number,
    headers: string[] | undefined,
    method: number,
    path: string | undefined,
    status: number,
    reason: string,
    upgrade: boolean,
    keepAlive: boolean,
  ): number => {
    const isRequest = type === HTTPParser.REQUEST
    const target = path ?? url
    message = {
      line: isRequest ? [methods[method]!, target] : [String(status), reason],
      minor,
      headers: headers ?? fields,
      keepAlive,
      body: '',
      trailers: [],
      whole: false,
    }
    fields = []
    url = ''
    messages.push(message)
    closed = !keepAlive || upgrade
    return requestMethod === 'HEAD' ? SKIP_BODY : 0
  }
  parser[HTTPParser.kOnBody] = (piece: Buffer) => {
    message!.body += piece.toString('latin1')
  }
  parser[HTTPParser.kOnMessageComplete] = () => {
    message!.trailers = fields
    message!.whole = true
    fields = []
    url = ''
  }
  const result = parser.execute(bytes)
  let error = typeof result === 'object' ? result.code : undefined
  if (type === HTTPParser.RESPONSE && error === undefined) error = parser.finish()?.code
  parser.close()
  return { messages, error, closed }
}

const SKIP_BODY = 1
