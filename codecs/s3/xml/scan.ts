/**
 * Walks an XML document once and tells what it meets: the part of XML 1.0 that S3 needs. No document type and so no
 * entity but the five and numbers, nothing that is fetched or grows; prefixes of names are dropped, as no two names of S3
 * differ by namespace only.
 */
import { ProtocolError } from '../../codec.ts'

/** What a document may cost. */
export interface XmlLimits {
  readonly maxBytes: number
  readonly maxDepth: number
  readonly maxElements: number
}

/** The largest document of S3 is a CompleteMultipartUpload of 10,000 parts, with six elements each; none nests deeper than ten. */
export const DEFAULT_LIMITS: XmlLimits = { maxBytes: 1024 * 1024, maxDepth: 20, maxElements: 100_000 }

/** Hears the parts of a document in order. Positions are those of the text that was scanned. */
export interface XmlSink {
  onOpen(name: string, attributes: string): void
  /** Text between two tags, references resolved; never called for none. One stretch may come in pieces. */
  onText(text: string, start: number, end: number): void
  /** `end` is where the element's content ended: at its closing tag, or after an empty element. */
  onClose(name: string, end: number): void
}

const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }
const SPACE = '[ \\t\\r\\n]'
const NAME = '[A-Za-z_][A-Za-z0-9_.-]*'
const ATTRIBUTES = `(?:${SPACE}+${NAME}(?::${NAME})?${SPACE}*=${SPACE}*(?:"[^"<]*"|'[^'<]*'))*`
const OPEN = new RegExp(`<(?:${NAME}:)?(${NAME})(${ATTRIBUTES})${SPACE}*(/?)>`, 'y')
const CLOSE = new RegExp(`</(?:${NAME}:)?(${NAME})${SPACE}*>`, 'y')
const DECLARATION = new RegExp(
  `^<\\?xml${SPACE}+version${SPACE}*=${SPACE}*["']1\\.\\d["'](?:${SPACE}+encoding${SPACE}*=${SPACE}*["']([A-Za-z0-9._-]+)["'])?` +
    `(?:${SPACE}+standalone${SPACE}*=${SPACE}*["'](?:yes|no)["'])?${SPACE}*\\?>`,
)
const REFERENCE = /&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|([a-z]{2,4}));/y
const UTF8 = new TextDecoder('utf-8', { fatal: true })

/** The document's text, without a byte order mark. Throws ProtocolError `MalformedXML`. */
export function decodeXml(bytes: Buffer, limits: XmlLimits): string {
  if (bytes.length > limits.maxBytes) throw malformed(`has more than ${limits.maxBytes} bytes`)
  try {
    return UTF8.decode(bytes)
  } catch {
    throw malformed('is not UTF-8')
  }
}

/** Throws ProtocolError `MalformedXML`; what the sink has heard until then counts for nothing. */
export function scanXml(text: string, sink: XmlSink, limits: XmlLimits): void {
  const open: string[] = []
  let at = afterDeclaration(text)
  let elements = 0
  while (at < text.length) {
    if (text.charCodeAt(at) !== 0x3c) {
      at = textRun(text, at, open.length > 0, sink)
      continue
    }
    if (text.startsWith('<!--', at)) {
      at = after(text, '-->', at + 4)
    } else if (text.startsWith('<![CDATA[', at) && open.length > 0) {
      const end = after(text, ']]>', at + 9)
      if (end - 3 > at + 9) sink.onText(newLines(text.slice(at + 9, end - 3)), at, end)
      at = end
    } else if (text.charCodeAt(at + 1) === 0x2f) {
      const [tag, name] = match(CLOSE, text, at)
      if (open.pop() !== name) throw malformed(`closes ${name}, which is not open`)
      sink.onClose(name!, at)
      at += tag.length
    } else {
      const [tag, name, attributes, empty] = match(OPEN, text, at)
      if (open.length === 0 && elements > 0) throw malformed('has two roots')
      if (++elements > limits.maxElements) throw malformed(`has more than ${limits.maxElements} elements`)
      if (open.length >= limits.maxDepth) throw malformed(`nests deeper than ${limits.maxDepth}`)
      at += tag.length
      sink.onOpen(name!, attributes!)
      if (empty === '/') sink.onClose(name!, at)
      else open.push(name!)
    }
  }
  if (elements === 0 || open.length > 0) throw malformed('ends too early')
}

function afterDeclaration(text: string): number {
  if (!text.startsWith('<?')) return 0
  const declaration = DECLARATION.exec(text)
  if (!declaration) throw malformed('begins with a declaration that is none')
  const encoding = declaration[1]?.toLowerCase() ?? 'utf-8'
  if (encoding !== 'utf-8' && encoding !== 'us-ascii') throw malformed(`is said to be ${encoding}`)
  return declaration[0].length
}

/** The text up to the next tag. Returns where that is. */
function textRun(text: string, start: number, isInside: boolean, sink: XmlSink): number {
  const next = text.indexOf('<', start)
  const end = next === -1 ? text.length : next
  const raw = text.slice(start, end)
  if (isInside) sink.onText(resolve(raw), start, end)
  else if (/[^ \t\r\n]/.test(raw)) throw malformed('has text outside of its root')
  return end
}

/** Control characters are let through, plain or as a number: keys have them, and stores write them either way. */
function resolve(raw: string): string {
  const text = newLines(raw)
  let at = text.indexOf('&')
  if (at === -1) return text
  let resolved = ''
  let from = 0
  for (; at !== -1; at = text.indexOf('&', from)) {
    const [whole, decimal, hex, name] = match(REFERENCE, text, at)
    resolved += text.slice(from, at) + character(decimal, hex, name)
    from = at + whole.length
  }
  return resolved + text.slice(from)
}

function character(decimal?: string, hex?: string, name?: string): string {
  if (name !== undefined) {
    const known = Object.hasOwn(NAMED, name) ? NAMED[name] : undefined
    if (known === undefined) throw malformed('refers to an entity')
    return known
  }
  const code = decimal === undefined ? Number.parseInt(hex!, 16) : Number(decimal)
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw malformed('refers to no character')
  return String.fromCodePoint(code)
}

function newLines(text: string): string {
  return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text
}

function after(text: string, end: string, from: number): number {
  const at = text.indexOf(end, from)
  if (at === -1) throw malformed('ends too early')
  return at + end.length
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray {
  pattern.lastIndex = at
  const found = pattern.exec(text)
  if (!found) throw malformed(`is not well-formed at character ${at}`)
  return found
}

/** Why a document is refused, in one clause that begins with its verb. */
function malformed(why: string): ProtocolError {
  return new ProtocolError('MalformedXML', `the XML document ${why}`)
}
