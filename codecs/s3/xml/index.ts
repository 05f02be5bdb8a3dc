/** XML as S3 uses it: elements with text, read strictly and within bounds, and written as S3 writes it. */
export { parseXml, XmlElement } from './element.ts'
export { rewriteText } from './rewrite.ts'
export type { XmlLimits } from './scan.ts'
export { escapeXml, S3_NAMESPACE, XmlWriter } from './writer.ts'
