/** The ways to reach a grpc listener beside plain TCP: TLS, whose protocol is negotiated, and a unix socket. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ChannelCredentials, Client, credentials } from '@grpc/grpc-js'
import { afterEach, expect, it } from 'vitest'
import { methodShape } from '../../../listeners/grpc/schema.ts'
import { Authority } from '../../net/certificates.ts'
import { ScriptedStores } from '../../support/scripted-stores.ts'
import { GrpcRig } from './rig.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

function idOf(target: string, secure: ChannelCredentials): Promise<unknown> {
  const client = new Client(target, secure)
  cleanups.push(() => client.close())
  const { path, request, response } = methodShape('dapr.proto.runtime.v1.Dapr', 'GetMetadata')
  const deadline = { deadline: Date.now() + 10_000 }
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, request.encode, response.decode, {}, deadline, (error, answer) =>
      error ? reject(error) : resolve((answer as { readonly id: string }).id),
    )
  })
}

async function rig(more: Partial<Parameters<typeof GrpcRig.start>[0]>): Promise<GrpcRig> {
  const started = await GrpcRig.start({ kinds: new ScriptedStores().kinds, components: {}, ...more })
  cleanups.push(() => started.close())
  return started
}

it('TLS', async () => {
  const authority = new Authority()
  cleanups.push(() => authority.remove())
  const { cert, key } = authority.issue('api')
  const { address } = await rig({ listener: { tls: { cert, key } } })
  expect(await idOf(address, credentials.createSsl(readFileSync(authority.cert)))).toBe('app')
  await expect(idOf(address, credentials.createInsecure())).rejects.toMatchObject({ code: 14 })
})

it('a unix socket', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'grpc-'))
  cleanups.push(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'api.sock')
  await rig({ address: { path } })
  expect(await idOf(`unix:${path}`, credentials.createInsecure())).toBe('app')
})
