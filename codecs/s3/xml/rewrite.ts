/**
 * Replaces the text of some elements and leaves every other character of the document as it came: what translates the
 * names and keys in answers, those of operations included that nobody here has heard of.
 */
import { DEFAULT_LIMITS, decodeXml, scanXml, type XmlLimits } from './scan.ts'
import { escapeXml } from './writer.ts'

/**
 * Asks for each element that has text and no children: its path of names from the root, and its text. Undefined leaves
 * it. The path is only valid during the call. Throws ProtocolError `MalformedXML`.
 */
export function rewriteText(
  bytes: Buffer,
  replace: (path: readonly string[], text: string) => string | undefined,
  limits: Partial<XmlLimits> = {},
): Buffer {
  const bounds = { ...DEFAULT_LIMITS, ...limits }
  const document = decodeXml(bytes, bounds)
  const path: string[] = []
  let text = ''
  /** Where the text of the innermost element began; undefined once it has had a child. */
  let start: number | undefined
  let rewritten = ''
  let copied = 0
  const sink = {
    onOpen(name: string) {
      path.push(name)
      text = ''
      start = -1
    },
    onText(piece: string, at: number) {
      if (start === undefined) return
      if (start === -1) start = at
      text += piece
    },
    onClose(_name: string, end: number) {
      if (start !== undefined && start !== -1) {
        const replacement = replace(path, text)
        if (replacement !== undefined && replacement !== text) {
          rewritten += document.slice(copied, start) + escapeXml(replacement)
          copied = end
        }
      }
      start = undefined
      path.pop()
    },
  }
  scanXml(document, sink, bounds)
  return copied === 0 ? bytes : Buffer.from(rewritten + document.slice(copied))
}
