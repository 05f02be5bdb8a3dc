/**
 * The conformance suite of the invoke API. What is called is a service with methods agreed on here: `hello(String)`,
 * `add(int, int)`, `half(double)`, `twice(long)`, `older(Person, int)`, `all(List<String>)`, `table()`, `nothing()`,
 * `fail(String)`, `over(String | int)` and `attachments()`; and an application which answers with what it was sent.
 */
import { expect } from 'vitest'
import type { AppMetadata, Invocation } from '../../src/apis/index.ts'
import { type Bench, type Case, expectRefusal, register, type Subject } from './suite.ts'

export interface InvokeSubject extends Subject<'invoke'> {
  /** The service with those methods; in group `blue` and version `2.0` its `hello` says `Blue hello`. */
  readonly service?: string
  /** The two providers of a store that balances. */
  readonly pair?: { calls(): readonly number[]; stopFirst(): Promise<void> }
  /** What is registered, for a store that learns providers. */
  readonly registry?: { add(): Promise<void>; remove(): Promise<void> }
  /** Ids of applications: HTTP and gRPC. */
  readonly apps?: { readonly http: string; readonly grpc: string }
}

export function invokeConformance(subject: InvokeSubject): void {
  register('invoke', invokeCases, subject)
}

type InvokeBench = Bench<'invoke', InvokeSubject>

function call(bench: InvokeBench, method: string, args: readonly unknown[], more: Partial<Invocation> = {}) {
  const service = bench.subject.service!
  return bench.store.call!({ service, method, args, group: '', version: '', attachments: {}, ...more })
}

async function expectValue(
  bench: InvokeBench,
  method: string,
  args: readonly unknown[],
  value: unknown,
  types?: string[],
) {
  expect((await call(bench, method, args, types && { types })).value, method).toEqual(value)
}

export const invokeCases: readonly Case<'invoke', InvokeSubject>[] = [
  {
    title: 'plain values go there and come back',
    needs: ['invoke.generic'],
    async run(bench) {
      await expectValue(bench, 'hello', ['Zoë 🚀'], 'Hello Zoë 🚀')
      await expectValue(bench, 'add', [40, 2], 42)
      await expectValue(bench, 'half', [3], 1.5)
      await expectValue(bench, 'twice', [21], 42)
      await expectValue(bench, 'nothing', [], null)
    },
  },
  {
    title: 'objects, lists and maps go there and come back',
    needs: ['invoke.generic'],
    async run(bench) {
      const bob = { name: 'Bob', age: 3 }
      const older = { name: 'Ann', age: 35, friend: { ...bob, friend: null } }
      await expectValue(bench, 'older', [{ name: 'Ann', age: 30, friend: bob }, 5], older)
      const all = [
        { name: 'a', age: 1, friend: null },
        { name: 'bcd', age: 3, friend: null },
      ]
      await expectValue(bench, 'all', [['a', 'bcd']], all)
      await expectValue(bench, 'table', [], { one: 1, big: '9223372036854775807', list: ['a', true, null, 1.5] })
    },
  },
  {
    title: 'an exception is an error with its words, and what does not exist is not found',
    needs: ['invoke.generic'],
    async run(bench) {
      await expectRefusal(call(bench, 'fail', ['boom']), 'internal')
      await expect(call(bench, 'fail', ['boom'])).rejects.toThrow('boom')
      await expectRefusal(call(bench, 'absent', []), 'not-found')
      await expectRefusal(call(bench, 'hello', ['x'], { service: 'demo.Absent' }), 'not-found')
    },
  },
  {
    title: 'overloaded methods are told apart by the types of their arguments',
    needs: ['invoke.argument-types'],
    async run(bench) {
      await expectRefusal(call(bench, 'over', ['a']), 'invalid-argument')
      await expectValue(bench, 'over', ['a'], 'text a', ['java.lang.String'])
      await expectValue(bench, 'over', [1], 'number 1', ['int'])
    },
  },
  {
    title: 'a value that is not of its type is refused before anything is sent',
    needs: ['invoke.argument-types'],
    async run(bench) {
      await expectRefusal(call(bench, 'over', ['a'], { types: ['int'] }), 'invalid-argument')
      await expectRefusal(call(bench, 'over', ['a'], { types: ['int', 'int'] }), 'invalid-argument')
    },
  },
  {
    title: 'attachments go there and come back',
    needs: ['invoke.attachments'],
    async run(bench) {
      const { value, attachments } = await call(bench, 'attachments', [], { attachments: { trace: 'abc' } })
      expect(value).toMatchObject({ trace: 'abc' })
      expect(attachments).toEqual({ answer: '42' })
    },
  },
  {
    title: 'a service of another group and version is another service',
    needs: ['invoke.versions'],
    async run(bench) {
      expect((await call(bench, 'hello', ['x'])).value).toBe('Hello x')
      expect((await call(bench, 'hello', ['x'], { group: 'blue', version: '2.0' })).value).toBe('Blue hello x')
      await expectRefusal(call(bench, 'hello', ['x'], { version: '2.0' }), 'not-found')
    },
  },
  {
    title: 'providers are called in turn, and one that has gone is passed by',
    needs: ['invoke.balancing'],
    async run(bench) {
      const { calls, stopFirst } = bench.subject.pair!
      const hello = async () => expect((await call(bench, 'hello', ['x'])).value).toBe('Hello x')
      const before = calls()
      for (let i = 0; i < 10; i++) await hello()
      expect(calls().map((count, i) => count - before[i]!)).toEqual([5, 5])
      await stopFirst()
      // Of a provider that has just gone the connection may still seem to be there, for once.
      await bench.eventually('the other one is called', async () => hello().then(() => true))
      for (let i = 0; i < 10; i++) await hello()
    },
  },
  {
    title: 'who provides a service is learnt while it is followed',
    needs: ['invoke.discovery'],
    async run(bench) {
      const { add, remove } = bench.subject.registry!
      await remove()
      const refused = async () => {
        await expectRefusal(call(bench, 'hello', ['x']), 'not-found')
        return true
      }
      await bench.eventually('nobody provides it', refused)
      await add()
      await bench.eventually(
        'somebody provides it',
        async () => (await call(bench, 'hello', ['x'])).value === 'Hello x',
      )
      await remove()
      await bench.eventually('nobody provides it any more', refused)
      await add()
      await bench.eventually(
        'it is provided again',
        async () => (await call(bench, 'hello', ['x'])).value === 'Hello x',
      )
    },
  },
  {
    title: 'over an outage: calls are refused as unavailable, and go on afterwards',
    needs: ['invoke.generic'],
    outage: true,
    async run(bench) {
      await expectValue(bench, 'hello', ['x'], 'Hello x')
      await bench.outage(async () => {
        await bench.eventually('the connection is lost', async () => {
          await expectRefusal(call(bench, 'hello', ['x']), 'unavailable')
          return true
        })
        await expectRefusal(bench.store.check(2_000), 'unavailable')
      })
      await bench.eventually('calls go on', async () => (await call(bench, 'hello', ['x'])).value === 'Hello x')
    },
  },
  {
    title: 'a path of an application is requested, and its answer is handed on whatever it is',
    needs: ['invoke.http'],
    async run(bench) {
      const { http } = bench.subject.apps!
      expect(bench.store.protocolOf!(http)).toBe('http')
      const body = Buffer.from([0, 1, 255])
      const headers = { 'x-tried': 'yes' }
      const answer = await bench.store.request!(http, { verb: 'PUT', path: '/echo?a=b', headers, body })
      expect(answer.status).toBe(418)
      expect(answer.headers).toMatchObject({ 'x-verb': 'PUT', 'x-path': '/echo?a=b', 'x-tried': 'yes' })
      expect(answer.body).toEqual(body)
    },
  },
  {
    title: 'any gRPC method is called, with messages both ways while both sides speak',
    needs: ['invoke.grpc'],
    async run(bench) {
      const { grpc } = bench.subject.apps!
      expect(bench.store.protocolOf!(grpc)).toBe('grpc')
      const seen: { metadata?: AppMetadata; messages: Buffer[] } = { messages: [] }
      let onMessage = (): void => {}
      const over = new Promise<{ code: number; details: string; trailers: AppMetadata }>(resolve => {
        const metadata = [['x-tried', 'yes']] as const
        const under = bench.store.grpc!(grpc, '/any.Service/Echo', metadata, undefined, {
          onMetadata: given => void (seen.metadata = given),
          onMessage(message) {
            seen.messages.push(message)
            onMessage()
          },
          onStatus: resolve,
        })
        under.write(Buffer.from('one'))
        // The second is sent when the first has come back: both sides speak.
        onMessage = () => {
          onMessage = () => {}
          under.write(Buffer.alloc(0))
          under.end()
        }
      })
      const status = await over
      expect(seen.messages.map(String)).toEqual(['one', ''])
      expect(seen.metadata).toContainEqual(['x-tried', 'yes'])
      expect(status).toMatchObject({ code: 9, details: 'echoed' })
      expect(status.trailers).toContainEqual(['x-count-bin', Buffer.from([2])])
    },
  },
]
