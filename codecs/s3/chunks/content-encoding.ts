/** The trace that aws-chunked leaves in a header, and that no object may keep. */

/** A content-encoding without the `aws-chunked` that framed the body on its way; empty when nothing else is left. */
export function withoutAwsChunked(contentEncoding: string): string {
  if (contentEncoding === '') return ''
  return contentEncoding
    .split(',')
    .map(token => token.trim())
    .filter(token => token !== '' && token.toLowerCase() !== 'aws-chunked')
    .join(',')
}
