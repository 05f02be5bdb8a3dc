// The suite is written for jest and for the client's sources; here it is run by vitest and before the client that npm has.
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const require = createRequire(import.meta.url)
const client = dirname(require.resolve('@dapr/dapr'))
const standIns = here('stand-ins.mjs')

export default defineConfig({
  root: process.env['INTEROP_DAPR_JS_SDK'] ?? '.',
  test: {
    globals: true,
    setupFiles: [here('jest.mjs')],
    include: ['test/e2e/{grpc,http,common}/*.test.ts'],
    alias: [
      { find: /^testcontainers$|^@dapr\/testcontainer-node$/, replacement: standIns },
      { find: /^(\.\.\/){3}src$/, replacement: join(client, 'index.js') },
      { find: /^(?:\.\.\/){3}src\/(.*)$/, replacement: `${client}/$1.js` },
      { find: /^express$/, replacement: require.resolve('express', { paths: [client] }) },
      { find: /^node-fetch$/, replacement: require.resolve('node-fetch', { paths: [client] }) },
    ],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // The ports of its applications are fixed.
    fileParallelism: false,
  },
})
