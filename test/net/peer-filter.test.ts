/** Which peers match addresses, CIDR blocks and the word unix. */
import { expect, test } from 'vitest'
import { isCidr, PeerFilter } from '../../src/net/index.ts'

test.each([
  ['10.0.0.0/8', '10.255.0.1', true],
  ['10.0.0.0/8', '11.0.0.1', false],
  ['10.0.0.0/8', '::ffff:10.1.1.1', true],
  ['192.0.2.7', '192.0.2.7', true],
  ['192.0.2.7', '192.0.2.8', false],
  ['0.0.0.0/0', '203.0.113.1', true],
  ['0.0.0.0/0', '::1', false],
  ['fd00::/8', 'fd12::1', true],
  ['fd00::/8', 'fe80::1', false],
  ['::1', '::1', true],
  ['unix', undefined, true],
  ['0.0.0.0/0', undefined, false],
  ['unix', '127.0.0.1', false],
])('%s and %s: %s', (entry, address, expected) => {
  expect(new PeerFilter([entry]).has(address)).toBe(expected)
})

test.each(['10.0.0.0/33', '::/129', '10.0.0', 'localhost', '', '10.0.0.0/', '10.0.0.0/8/8', '*'])(
  '%j is no entry',
  text => {
    expect(isCidr(text)).toBe(false)
  },
)
