/** An invoke store with all features, in memory: what the conformance suite of invoke says of a service and an application. */
import {
  ApiError,
  type AppCallObserver,
  type AppMetadata,
  type AppRequest,
  type Invocation,
  type InvokeStore,
} from '../../src/apis/index.ts'

// biome-ignore lint/suspicious/noExplicitAny: arguments as of JSON
type Method = (args: readonly any[], invocation: Invocation) => unknown

const METHODS: Readonly<Record<string, Method>> = {
  hello: ([name], { group }) => `${group === 'blue' ? 'Blue hello' : 'Hello'} ${name}`,
  add: ([a, b]) => a + b,
  half: ([n]) => n / 2,
  twice: ([n]) => n * 2,
  nothing: () => null,
  older: ([person, years]) => ({
    ...person,
    age: person.age + years,
    friend: person.friend && { ...person.friend, friend: null },
  }),
  all: ([names]) => names.map((name: string) => ({ name, age: name.length, friend: null })),
  table: () => ({ one: 1, big: '9223372036854775807', list: ['a', true, null, 1.5] }),
  fail([message]) {
    throw new ApiError('internal', message)
  },
  over([value], { types }) {
    if (!types) throw new ApiError('invalid-argument', 'which one?')
    if (types.length !== 1 || (types[0] === 'int') !== (typeof value === 'number'))
      throw new ApiError('invalid-argument', 'is not of its type')
    return typeof value === 'number' ? `number ${value}` : `text ${value}`
  },
  attachments: (_, { attachments }) => attachments,
}

export const GREETER = 'demo.Greeter'

export class GreeterInvoke implements InvokeStore {
  readonly calls = [0, 0]
  isRegistered = true
  #firstIsThere = true
  #turn = 0

  readonly stopFirst = async () => void (this.#firstIsThere = false)
  readonly add = async () => void (this.isRegistered = true)
  readonly remove = async () => void (this.isRegistered = false)

  async call(invocation: Invocation) {
    const { service, method, args, group, version } = invocation
    const isOne = (group === '' && version === '') || (group === 'blue' && version === '2.0')
    if (!this.isRegistered || service !== GREETER || !isOne) throw new ApiError('not-found', 'nobody provides it')
    const run = METHODS[method]
    if (!run) throw new ApiError('not-found', 'there is no such method')
    this.calls[this.#firstIsThere ? this.#turn++ % 2 : 1]!++
    const attachments: Record<string, string> = method === 'attachments' ? { answer: '42' } : {}
    return { value: run(args, invocation), attachments }
  }

  protocolOf(app: string) {
    return app === 'http' || app === 'grpc' ? app : undefined
  }

  async request(_app: string, { verb, path, headers, body }: AppRequest) {
    return { status: 418, headers: { ...headers, 'x-verb': verb, 'x-path': path }, body }
  }

  grpc(_app: string, _path: string, metadata: AppMetadata, _deadline: number | undefined, observer: AppCallObserver) {
    let count = 0
    queueMicrotask(() => observer.onMetadata(metadata))
    return {
      write(message: Buffer) {
        count++
        queueMicrotask(() => observer.onMessage(message))
        return true
      },
      onDrain() {},
      end() {
        const trailers = [['x-count-bin', Buffer.from([count])]] as const
        queueMicrotask(() => observer.onStatus({ code: 9, details: 'echoed', trailers }))
      },
      cancel() {},
      pause() {},
      resume() {},
    }
  }

  async check() {
    return {}
  }

  async close() {}
}
