// VersityGW, an S3 gateway in Go that keeps objects as files: built in the cache from its module, which needs `go`.

import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../../scripts/ports.mjs'
import { once, sh } from './cache.mjs'
import { startServer, withFolder } from './processes.mjs'

const MODULE = 'github.com/versity/versitygw'

/** The program, `{ path, version }`. Throws Unavailable where it cannot be built. */
export function versitygw() {
  const dir = once('versitygw', MODULE, work => {
    sh('go', ['mod', 'init', 'interop'], { cwd: work })
    sh('go', ['get', `${MODULE}/cmd/versitygw@latest`], { cwd: work })
    sh('go', ['build', '-o', 'versitygw', `${MODULE}/cmd/versitygw`], { cwd: work })
  })
  const [, version] = new RegExp(`${MODULE} v(\\S+)`).exec(readFileSync(join(dir, 'go.mod'), 'utf8')) ?? []
  return { path: join(dir, 'versitygw'), version }
}

/** Its posix backend on a free port and a fresh folder; with versions, and metadata in files of their own, as not every file system has attributes. */
export async function startVersitygw() {
  const { path } = versitygw()
  const dir = mkdtempSync(join(tmpdir(), 'portolan-interop-versitygw-'))
  const folder = name => {
    mkdirSync(join(dir, name))
    return join(dir, name)
  }
  const port = await freePort()
  const [accessKey, secretKey] = ['testkey', 'testsecret']
  const root = ['--port', `127.0.0.1:${port}`, '--access', accessKey, '--secret', secretKey, '--quiet', '--keep-alive']
  const posix = ['posix', '--versioning-dir', folder('versions'), '--sidecar', folder('metadata'), folder('data')]
  const server = withFolder(dir, await startServer(path, [...root, ...posix], port))
  return { port, accessKey, secretKey, stop: () => server.stop() }
}
