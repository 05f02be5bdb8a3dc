import { afterAll, beforeAll, describe, it } from 'vitest'
import { appsInvoke } from '../../../src/components/invoke/apps.ts'
import { invokeConformance } from '../../conformance/invoke.ts'
import { expectRefusal } from '../../conformance/suite.ts'
import { type EchoApp, startGrpcEcho, startHttpEcho } from '../../support/echo-apps.ts'
import { openStore } from '../open.ts'

let http: EchoApp
let grpc: EchoApp

beforeAll(async () => {
  http = await startHttpEcho()
  grpc = await startGrpcEcho()
})
afterAll(() => Promise.all([http?.close(), grpc?.close()]))

const open = () =>
  openStore(appsInvoke, {
    apps: {
      web: { address: http.address, protocol: 'http' },
      rpc: { address: grpc.address, protocol: 'grpc' },
      away: { address: '127.0.0.1:1', protocol: 'http' },
    },
  })

invokeConformance({ features: appsInvoke.features, open, apps: { http: 'web', grpc: 'rpc' } })

describe('an application over HTTP', () => {
  const request = async (app: string, verb: string, path: string) => {
    const store = await open()
    try {
      return await store.request!(app, { verb, path, headers: {}, body: Buffer.alloc(0) })
    } finally {
      await store.close()
    }
  }

  it.each([
    ['that is away', 'away', 'POST', '/', 'unavailable'],
    ['whose answer is lost', 'web', 'POST', '/cut', 'unknown'],
    ['whose answer to what changes nothing is lost', 'web', 'GET', '/cut', 'unavailable'],
    ['that is not known', 'other', 'GET', '/', 'not-found'],
    ['with a path of two lines', 'web', 'GET', '/a\r\nx: y', 'invalid-argument'],
    ['with a verb that is none', 'web', 'GE T', '/', 'invalid-argument'],
  ] as const)('%s', async (_, app, verb, path, code) => {
    await expectRefusal(request(app, verb, path), code)
  })
})
