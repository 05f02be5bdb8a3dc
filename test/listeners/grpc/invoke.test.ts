/** Calls of services in another protocol through portolan.v1. */
import { status } from '@grpc/grpc-js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dubboInvoke } from '../../../src/components/invoke/dubbo.ts'
import { RECORDED_SERVICE, RecordedProvider } from '../../support/dubbo-provider.ts'
import { GrpcRig } from './rig.ts'

describe('portolan.v1.Invoke', () => {
  let provider: RecordedProvider
  let rig: GrpcRig
  beforeEach(async () => {
    provider = await RecordedProvider.start()
    const options = { providers: [provider.address] }
    rig = await GrpcRig.start({
      kinds: [dubboInvoke],
      components: { dubbo: { api: 'invoke', type: 'dubbo', options } },
    })
  })
  afterEach(async () => {
    await rig.close()
    await provider.stop()
  })

  const call = async (request: object) => {
    const answer = await rig.call('portolan.v1.Invoke', 'Call', {
      component: 'dubbo',
      service: RECORDED_SERVICE,
      ...request,
    })
    return { ...answer, result: JSON.parse(String(answer['result_json'])) }
  }
  const json = (value: unknown) => Buffer.from(JSON.stringify(value))

  it('calls a method with JSON', async () => {
    const older = await call({
      method: 'older',
      arguments_json: json([{ name: 'Ann', age: 30 }, 5]),
      argument_types: ['demo.Person', 'int'],
    })
    expect(older.result).toEqual({ name: 'Ann', age: 35, friend: null })
    expect((await call({ method: 'table' })).result).toMatchObject({ one: 1 })
  })

  it('hands attachments on, both ways', async () => {
    const { result, attachments } = (await call({ method: 'attachments', attachments: { trace: 'abc' } })) as Record<
      string,
      unknown
    >
    expect(result).toMatchObject({ trace: 'abc' })
    expect(attachments).toEqual({ answer: '42' })
  })

  it.each([
    ['no JSON', { method: 'hello', arguments_json: Buffer.from('{') }, status.INVALID_ARGUMENT],
    ['no array', { method: 'hello', arguments_json: json({}) }, status.INVALID_ARGUMENT],
    ['no method', {}, status.INVALID_ARGUMENT],
    ['a negative limit', { method: 'table', timeout_ms: -1 }, status.INVALID_ARGUMENT],
    ['an unknown method', { method: 'absent' }, status.NOT_FOUND],
    ['an unknown component', { component: 'other', method: 'table' }, status.NOT_FOUND],
    ['an exception', { method: 'fail', arguments_json: json(['boom']) }, status.INTERNAL],
  ])('%s is an error of the call', async (_, request, code) => {
    await expect(call(request)).rejects.toMatchObject({ code })
  })

  it('says so when a provider has gone', async () => {
    await provider.stop()
    await expect(call({ method: 'table' })).rejects.toMatchObject({ code: status.UNAVAILABLE })
  })
})
