/**
 * A process that writes to a store until it is killed, and says on its standard output what was stored: `key version`, one
 * a line, as soon as the store has answered. Arguments: the data directory, and how many writes. See crash.test.ts.
 */
import { writeSync } from 'node:fs'
import { classify } from '../../../../codecs/s3/index.ts'
import { FileStore } from '../../../../src/backends/s3/files/index.ts'
import type { StoreSink } from '../../../../src/backends/s3/store.ts'
import { silentLogger } from '../../../../src/observability/logger.ts'
import { systemClock } from '../../../../src/protocol.ts'
import { bodyOf, keyOf } from './writer-content.ts'

const AT_ONCE = 16
const [directory, count] = process.argv.slice(2)

const store = new FileStore({ dataDirectory: directory!, now: Date.now }, { logger: silentLogger, clock: systemClock })
try {
  await store.start()
} catch (error) {
  writeSync(1, `${(error as Error).message}\n`)
  process.exit(1)
}

async function ask(method: string, key: string, version: number, body: Buffer, source?: string): Promise<number> {
  const headers = ['x-amz-meta-version', String(version)]
  if (source !== undefined) headers.push('x-amz-copy-source', source, 'x-amz-metadata-directive', 'REPLACE')
  const query: string[] = []
  const operation = classify({ method, bucket: 'box', key, query, headers })
  return new Promise((resolve, reject) => {
    const sink: StoreSink = {
      onContinue() {},
      onDrain() {},
      onHead: ({ status }) => resolve(status),
      onData: () => true,
      onEnd() {},
      onFailed: reject,
    }
    const given = { length: body.length, sha256: undefined, trailer: undefined, bytes: body }
    const about = { method, operation, bucket: 'box', key, query, headers, region: '', origin: '', requestId: '' }
    store.open({ ...about, body: given }, sink)
  })
}

await ask('PUT', '', 0, Buffer.alloc(0))
const worker = async (first: number) => {
  // A key is always written by the same one, so that its versions come in order.
  for (let version = first; version < Number(count); version += AT_ONCE) {
    const key = keyOf(version)
    const body = bodyOf(version)
    // Every fifth arrives as a copy, whose bytes are shared when they are many.
    if (version % 5 === 4) {
      await ask('PUT', `${key}-source`, version, body)
      if ((await ask('PUT', key, version, Buffer.alloc(0), `box/${key}-source`)) !== 200) continue
    } else await ask('PUT', key, version, body)
    writeSync(1, `${key} ${version}\n`)
  }
}
await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => worker(i)))
await store.close(1_000)
