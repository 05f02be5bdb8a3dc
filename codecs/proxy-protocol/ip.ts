/** IP addresses between text and bytes: strict in reading, RFC 5952 in writing. */

/** 4 or 16 bytes, or undefined when the text is no address. Zone ids are refused. */
export function parseIp(text: string): readonly number[] | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

function parseIpv4(text: string): readonly number[] | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  const bytes: number[] = []
  for (const part of parts) {
    const value = Number(part)
    // No leading zeros: some readers take them for octal.
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || value > 255) return undefined
    bytes.push(value)
  }
  return bytes
}

function parseIpv6(text: string): readonly number[] | undefined {
  const [before = '', after, ...more] = text.split('::')
  if (more.length > 0) return undefined
  const head = parseGroups(before, after === undefined)
  const tail = after === undefined ? [] : parseGroups(after, true)
  if (head === undefined || tail === undefined) return undefined
  const missing = 16 - head.length - tail.length
  if (after === undefined ? missing !== 0 : missing < 2) return undefined
  return [...head, ...new Array<number>(missing).fill(0), ...tail]
}

function parseGroups(text: string, mayEndInIpv4: boolean): readonly number[] | undefined {
  if (text === '') return []
  const bytes: number[] = []
  const groups = text.split(':')
  for (const [index, group] of groups.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16)
      bytes.push(value >> 8, value & 255)
      continue
    }
    const embedded = mayEndInIpv4 && index === groups.length - 1 ? parseIpv4(group) : undefined
    if (embedded === undefined) return undefined
    bytes.push(...embedded)
  }
  return bytes
}

/** The address in `bytes[at, at + length)`; length is 4 or 16. */
export function formatIp(bytes: Buffer, at: number, length: 4 | 16): string {
  if (length === 4) return bytes.subarray(at, at + 4).join('.')
  const groups: number[] = []
  for (let i = at; i < at + 16; i += 2) groups.push(bytes.readUInt16BE(i))
  if (groups.slice(0, 5).every(group => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${bytes.subarray(at + 12, at + 16).join('.')}`
  }
  const [start, count] = longestZeroRun(groups)
  const hex = groups.map(group => group.toString(16))
  if (count < 2) return hex.join(':')
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + count).join(':')}`
}

function longestZeroRun(groups: readonly number[]): readonly [start: number, count: number] {
  let best: readonly [number, number] = [0, 0]
  let start = 0
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1
    else if (index + 1 - start > best[1]) best = [start, index + 1 - start]
  }
  return best
}
