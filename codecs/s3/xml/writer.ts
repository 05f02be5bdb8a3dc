/** Writes a document as S3 does: one line, quotes escaped, and control characters as numbers. */
import type { XmlElement } from './element.ts'

export const S3_NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/'

const SPECIAL = /[&<>"\u0000-\u0008\u000b-\u001f\u007f\ufffe\uffff]/
const EVERY_SPECIAL = new RegExp(SPECIAL, 'g')
const NAMED: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\r': '&#13;' }

/** For text and for attributes in double quotes. */
export function escapeXml(text: string): string {
  if (!SPECIAL.test(text)) return text
  return text.replace(EVERY_SPECIAL, found => NAMED[found] ?? `&#x${found.charCodeAt(0).toString(16)};`)
}

export class XmlWriter {
  #text = '<?xml version="1.0" encoding="UTF-8"?>\n'
  readonly #open: string[] = []

  /** The root is written at once, in S3's namespace unless another one is given; '' for none. */
  constructor(root: string, namespace: string = S3_NAMESPACE) {
    this.#open.push(root)
    this.#text += namespace === '' ? `<${root}>` : `<${root} xmlns="${namespace}">`
  }

  /** Begins an element, with attributes that are already escaped. */
  open(name: string, attributes = ''): this {
    this.#open.push(name)
    this.#text += attributes === '' ? `<${name}>` : `<${name} ${attributes}>`
    return this
  }

  /** Ends the element that was begun last. */
  close(): this {
    this.#text += `</${this.#open.pop()}>`
    return this
  }

  /** An element with text; none for undefined. */
  leaf(name: string, value: string | number | boolean | undefined): this {
    if (value === undefined) return this
    this.#text += value === '' ? `<${name}/>` : `<${name}>${escapeXml(String(value))}</${name}>`
    return this
  }

  /** An element that was read, with all that is in it but attributes. */
  copy({ name, text, children }: XmlElement): this {
    if (children.length === 0) return this.leaf(name, text)
    this.open(name)
    for (const child of children) this.copy(child)
    return this.close()
  }

  /** Text of the element that is open. */
  text(value: string): this {
    this.#text += escapeXml(value)
    return this
  }

  /** Ends what is open and gives the document. */
  finish(): Buffer {
    while (this.#open.length > 0) this.close()
    return Buffer.from(this.#text)
  }
}
