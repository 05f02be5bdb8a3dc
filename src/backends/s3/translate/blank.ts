/** The beginning of an XML document that says nothing yet: its declaration, and white space that keeps a connection alive. */

const DECLARATION = /^\s*(?:<\?xml[^>]*\?>)?\s*/

/** Whether that is all there is so far, and there is some. */
export function isBlank(document: Buffer): boolean {
  const text = document.toString('latin1')
  return text !== '' && DECLARATION.exec(text)![0].length === text.length
}

/** What follows it. */
export function withoutBlank(document: Buffer): Buffer {
  return document.subarray(DECLARATION.exec(document.toString('latin1'))![0].length)
}
