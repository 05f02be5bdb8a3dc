/** The headers of a store's answer, as the application gets them. */

/** Name, value ..., of which `requestId` is the store's own: ours takes its place. */
export interface AnswerHeaders {
  readonly headers: string[]
  readonly requestId: string
}

/** `hasCors`: what pages may do is decided here, and a page that is told twice believes nothing. */
export function answerHeaders(headers: readonly string[], hasCors: boolean, clock: { date(): string }): AnswerHeaders {
  const kept: string[] = []
  let requestId = ''
  let hasDate = false
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]!
    const { length } = name
    if (length === 4 && name.toLowerCase() === 'date') hasDate = true
    if (hasCors && name.toLowerCase().startsWith('access-control-')) continue
    if (length === 16 && name.toLowerCase() === 'x-amz-request-id') requestId = headers[at + 1]!
    else kept.push(name, headers[at + 1]!)
  }
  if (!hasDate) kept.push('Date', clock.date())
  return { headers: kept, requestId }
}
