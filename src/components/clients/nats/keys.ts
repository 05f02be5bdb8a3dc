/** Names as keys of NATS KV, which takes few characters: the others, and `=` itself, stand as `=` and two hex digits a byte. */

export function keyOf(name: string): string {
  return name.replace(/[^-\w/]/gu, char => {
    return [...Buffer.from(char)].map(byte => `=${byte.toString(16).padStart(2, '0')}`).join('')
  })
}
