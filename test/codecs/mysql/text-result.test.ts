import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../../codecs/codec.ts'
import {
  type Capabilities,
  CLIENT_DEPRECATE_EOF,
  CLIENT_OPTIONAL_RESULTSET_METADATA,
  COM_QUERY,
  decodeTextResults,
  encodeErr,
  encodeOk,
  encodeTextResult,
  MARIADB_CLIENT_CACHE_METADATA,
  MARIADB_CLIENT_EXTENDED_METADATA,
  ResponseTracker,
  SERVER_MORE_RESULTS_EXISTS,
  SERVER_STATUS_AUTOCOMMIT,
  ServerErrors,
} from '../../../codecs/mysql/index.ts'
import { packetsOf } from './client.ts'

const VECTORS: readonly Capabilities[] = [
  { low: 0, mariadb: 0 },
  { low: CLIENT_DEPRECATE_EOF, mariadb: 0 },
  { low: CLIENT_DEPRECATE_EOF | CLIENT_OPTIONAL_RESULTSET_METADATA, mariadb: 0 },
  { low: 0, mariadb: MARIADB_CLIENT_CACHE_METADATA | MARIADB_CLIENT_EXTENDED_METADATA },
]

const COLUMNS = [
  { name: 'name', type: 'text' },
  { name: 'n', type: 'number' },
] as const
const ROWS = [
  ['ä', 1],
  [null, null],
  ['', 18446744073709551615n],
  ['x'.repeat(70_000), -1],
]

describe.each(VECTORS)('%o', capabilities => {
  const status = SERVER_STATUS_AUTOCOMMIT
  const bytes = encodeTextResult(1, COLUMNS, ROWS, { status, warnings: 3 }, capabilities)

  test('what is encoded is decoded, and followed by the tracker', () => {
    expect(decodeTextResults(bytes, capabilities)).toEqual([
      {
        columns: ['name', 'n'],
        rows: ROWS.map(row => row.map(value => (value === null ? null : String(value)))),
        error: null,
      },
    ])
    const tracker = new ResponseTracker(capabilities, {
      onVariable() {},
      onSchema() {},
      onStateChange() {},
      onGtids() {},
      onTransactionCharacteristics() {},
      onTransactionState() {},
    })
    tracker.begin(COM_QUERY)
    expect(tracker.write(bytes, 0, bytes.length)).toBe(bytes.length)
    expect(tracker).toMatchObject({ ended: true, columns: 2, rows: 4, warnings: 3, status })
    expect(() => packetsOf(bytes)).not.toThrow()
  })

  test('several results, the last one an error', () => {
    const more = { status: status | SERVER_MORE_RESULTS_EXISTS }
    const all = Buffer.concat([
      encodeOk(1, more),
      encodeTextResult(2, COLUMNS, [], more, capabilities),
      encodeErr(9, ServerErrors.deadlock),
    ])
    expect(decodeTextResults(all, capabilities)).toMatchObject([
      { columns: [], error: null },
      { columns: ['name', 'n'], rows: [] },
      { error: ServerErrors.deadlock },
    ])
  })

  test('every part of one is refused', () => {
    for (let end = 0; end < 200; end++)
      expect(() => decodeTextResults(bytes.subarray(0, end), capabilities)).toThrow(ProtocolError)
    expect(() => decodeTextResults(Buffer.concat([bytes, bytes]), capabilities)).toThrow(ProtocolError)
  })
})
