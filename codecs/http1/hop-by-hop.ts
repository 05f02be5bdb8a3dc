/** Headers of one connection, which end with it: RFC 9110 section 7.6.1, and what older programs still send. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Whether a header, its name in lower case, is not to be passed on; `connectionNames` are those of its own head. */
export function isHopByHop(name: string, connectionNames: readonly string[]): boolean {
  return HOP_BY_HOP.has(name) || (connectionNames.length > 0 && connectionNames.includes(name))
}
