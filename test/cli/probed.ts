/** What `check --probe` says to a configuration of one listener and one backend. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mysql } from '../../listeners/mysql/index.ts'
import { redis } from '../../listeners/redis/index.ts'
import { s3 } from '../../listeners/s3/index.ts'
import { mysqlBackendKind } from '../../src/backends/mysql/index.ts'
import { redisBackendKind } from '../../src/backends/redis/index.ts'
import { s3BackendKind } from '../../src/backends/s3/index.ts'
import { runCheck } from '../../src/cli/check.ts'

const registry = {
  protocols: [mysql, redis, s3],
  backendKinds: [mysqlBackendKind, redisBackendKind, s3BackendKind],
  componentKinds: [],
}

export async function probed(
  protocol: 'mysql' | 'redis' | 's3',
  backend: object,
  listener: object = {},
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'portolan-mistakes-'))
  const file = join(folder, 'p.yaml')
  const configuration = {
    admin: { address: false },
    listeners: { cache: { protocol, address: '127.0.0.1:0', backend: 'cache', ...listener } },
    backends: { cache: { protocol, ...backend } },
  }
  writeFileSync(file, JSON.stringify(configuration))
  let text = ''
  const out = { write: (part: string) => (text += part) }
  await runCheck({ files: [file], probe: true, json: false, registry, out })
  rmSync(folder, { recursive: true })
  return text
}
