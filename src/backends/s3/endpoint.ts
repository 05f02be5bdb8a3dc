/** The URL of a service, taken apart by hand: a URL object would normalise what must stay as it is. */
export interface ServiceEndpoint {
  readonly isSecure: boolean
  /** Without brackets. */
  readonly host: string
  readonly port: number
  /** As in a Host header: with the port unless it is the scheme's own. */
  readonly authority: string
}

const URL_FORM = /^(https?):\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?\/?$/

/** Undefined when the text is no such URL. */
export function parseEndpoint(url: string): ServiceEndpoint | undefined {
  const match = URL_FORM.exec(url)
  if (!match) return undefined
  const isSecure = match[1] === 'https'
  const usual = isSecure ? 443 : 80
  const port = match[3] === undefined ? usual : Number(match[3])
  if (port < 1 || port > 65535) return undefined
  const name = match[2]!
  return {
    isSecure,
    host: name.replace(/^\[|\]$/g, ''),
    port,
    authority: port === usual ? name : `${name}:${port}`,
  }
}
