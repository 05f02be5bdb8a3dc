/** Who may call, what is not served, and what tools find out. */
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { promisify } from 'node:util'
import { status } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ScriptedStores } from '../../support/scripted-stores.ts'
import { GrpcRig, reader } from './rig.ts'

let rig: GrpcRig

beforeAll(async () => {
  process.env['GRPC_TEST_TOKEN'] = 'right'
  rig = await GrpcRig.start({
    kinds: new ScriptedStores().kinds,
    components: {},
    listener: { token: { env: 'GRPC_TEST_TOKEN' } },
  })
})

afterAll(() => rig?.close())

const DAPR = 'dapr.proto.runtime.v1.Dapr'

describe('the token', () => {
  it.each([
    ['missing', {}, 'missing api token in request metadata'],
    ['wrong', { 'dapr-api-token': 'wrong' }, 'authentication error: api token mismatch'],
  ])('is %s', async (_, headers: Record<string, string>, details) => {
    await expect(rig.call(DAPR, 'GetMetadata', {}, headers)).rejects.toMatchObject({
      code: status.UNAUTHENTICATED,
      details,
    })
  })

  it('is right', async () => {
    expect(await rig.call(DAPR, 'GetMetadata', {}, { 'dapr-api-token': 'right' })).toMatchObject({ id: 'app' })
  })

  it('is asked for by streams too', async () => {
    const stream = rig.stream('portolan.v1.Lock', 'Hold', {})
    await expect(reader(stream)()).rejects.toMatchObject({ code: status.UNAUTHENTICATED })
  })
})

it('sends users of state to the listeners of trusted protocols', async () => {
  const answered = new Promise((_, reject) =>
    rig.client.makeUnaryRequest(
      `/${DAPR}/GetState`,
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      Buffer.from([10, 1, 65]),
      error => reject(error),
    ),
  )
  await expect(answered).rejects.toMatchObject({
    code: status.UNIMPLEMENTED,
    details: expect.stringContaining('point a Redis or MySQL client at the redis or mysql listener'),
  })
})

it('is healthy', async () => {
  const check = (service: string) =>
    rig.call('grpc.health.v1.Health', 'Check', { service }, { 'dapr-api-token': 'right' })
  expect(await check('')).toMatchObject({ status: 1 })
  expect(await check('portolan.v1.Lock')).toMatchObject({ status: 1 })
  await expect(check('nobody')).rejects.toMatchObject({ code: status.NOT_FOUND })
})

describe('reflection', () => {
  const ask = async (request: object) => {
    const stream = rig.both('grpc.reflection.v1.ServerReflection', 'ServerReflectionInfo', {
      'dapr-api-token': 'right',
    })
    stream.write(request)
    const answer = await reader(stream)()
    stream.end()
    return answer
  }

  it('lists the services', async () => {
    const { list_services_response } = await ask({ list_services: '*' })
    expect(list_services_response).toMatchObject({ service: expect.arrayContaining([{ name: 'portolan.v1.Lock' }]) })
  })

  it('describes what a symbol stands in', async () => {
    const { file_descriptor_response } = await ask({ file_containing_symbol: 'portolan.v1.Lock.Acquire' })
    const { file_descriptor_proto } = file_descriptor_response as { file_descriptor_proto: Buffer[] }
    expect(file_descriptor_proto[0]!.toString('latin1')).toContain('AcquireRequest')
  })

  it('knows no strangers', async () => {
    expect(await ask({ file_containing_symbol: 'a.b.C' })).toMatchObject({
      error_response: { error_code: status.NOT_FOUND },
    })
  })
})

it('cuts off who does not begin to speak HTTP/2 in time, and nobody else', async () => {
  const hasty = await GrpcRig.start({
    kinds: new ScriptedStores().kinds,
    components: {},
    listener: { handshakeTimeout: '100ms' },
  })
  const port = Number(hasty.port)
  const silent = connect(port, '127.0.0.1').resume()
  const slow = connect(port, '127.0.0.1').resume()
  slow.write('PRI * HTTP/2.0\r\n')
  const idle = connectHttp2(`http://127.0.0.1:${port}`)
  await Promise.all([once(silent, 'close'), once(slow, 'close')])
  await promisify(idle.ping.bind(idle))()
  expect(idle.closed).toBe(false)
  idle.destroy()
  await hasty.close()
})
