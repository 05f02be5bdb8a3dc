/** A document as a tree of elements: for those whose whole content is needed. */
import { DEFAULT_LIMITS, decodeXml, scanXml, type XmlLimits } from './scan.ts'

export class XmlElement {
  readonly name: string
  readonly children: XmlElement[] = []
  /** Its own text, without that of its children. */
  text = ''

  constructor(name: string) {
    this.name = name
  }

  /** The first child of that name. */
  child(name: string): XmlElement | undefined {
    return this.children.find(child => child.name === name)
  }

  /** The children of that name, in order. */
  all(name: string): XmlElement[] {
    return this.children.filter(child => child.name === name)
  }

  /** The text of the first child of that name. */
  textOf(name: string): string | undefined {
    return this.child(name)?.text
  }
}

/** The document's root. Throws ProtocolError `MalformedXML`. */
export function parseXml(bytes: Buffer, limits: Partial<XmlLimits> = {}): XmlElement {
  const bounds = { ...DEFAULT_LIMITS, ...limits }
  const document = new XmlElement('')
  const path = [document]
  const sink = {
    onOpen(name: string) {
      const element = new XmlElement(name)
      path.at(-1)!.children.push(element)
      path.push(element)
    },
    onText(text: string) {
      path.at(-1)!.text += text
    },
    onClose() {
      path.pop()
    },
  }
  scanXml(decodeXml(bytes, bounds), sink, bounds)
  return document.children[0]!
}
