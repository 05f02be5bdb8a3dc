/** Small protocols that exercise every kind of option, so that configuration tests depend on no real protocol. */
import * as z from 'zod/mini'
import { address, clientTls, duration, type Registry, secretRef, serverTls, size } from '../../src/config/index.ts'
import type { BackendKind, Protocol } from '../../src/protocol.ts'

function never(): never {
  throw new Error('a configuration test builds nothing')
}

const cache: Protocol = {
  name: 'cache',
  options: z
    .strictObject({
      idleTimeout: duration('5m').check(z.describe('Closes a connection that was silent for so long.')),
      maxFrame: size('8MiB').check(z.describe('Largest request.')),
      maxClients: z
        ._default(z.int().check(z.minimum(1), z.maximum(65_536)), 10_000)
        .check(z.describe('Connections at a time.')),
      ratio: z._default(z.number().check(z.gt(0), z.maximum(1)), 0.5).check(z.describe('Some share.')),
      mode: z._default(z.enum(['strict', 'lenient']), 'strict').check(z.describe('How it reads.')),
      compress: z._default(z.boolean(), false).check(z.describe('Whether it compresses.')),
      label: z.optional(z.string().check(z.minLength(1))).check(z.describe('Some text.')),
      tls: z.optional(serverTls()).check(z.describe('TLS towards the application.')),
      users: z
        ._default(
          z.array(
            z.strictObject({ name: z.string(), password: secretRef(), commands: z._default(z.array(z.string()), []) }),
          ),
          [],
        )
        .check(z.describe('Who may connect.')),
      limits: z._default(z.record(z.string(), z.int()), {}).check(z.describe('Limits by name.')),
    })
    .check(
      z.refine(options => options.mode !== 'lenient' || !options.compress, {
        path: ['compress'],
        error: 'does not go with mode: lenient',
      }),
    ),
  exposed: options => (options as { users: unknown[] }).users.length > 0,
  build: never,
}

const relay: Protocol = {
  name: 'relay',
  options: z.strictObject({
    balance: z._default(
      z.discriminatedUnion('by', [
        z.strictObject({ by: z.literal('random') }),
        z.strictObject({ by: z.literal('hash'), key: z.string() }),
      ]),
      { by: 'random' },
    ),
    target: z.optional(z.union([z.strictObject({ pool: z.int() }), z.strictObject({ single: address() })])),
  }),
  build: never,
}

const echo: Protocol = { name: 'echo', options: z.strictObject({}), exposed: () => true, build: never }

const cacheBackend: BackendKind = {
  protocol: 'cache',
  options: z.strictObject({
    endpoints: z.array(address()).check(z.minLength(1), z.describe('Where it is.')),
    topology: z
      ._default(z.enum(['standalone', 'cluster']), 'standalone')
      .check(z.describe('How they belong together.')),
    connectTimeout: duration('2s').check(z.describe('Longest wait for a connection.')),
    credentials: z
      .optional(z.strictObject({ user: z.optional(z.string()), password: secretRef() }))
      .check(z.describe('Who Portolan is there.')),
    tls: z.optional(clientTls()).check(z.describe('TLS towards the backend.')),
  }),
  build: never,
}

const relayBackend: BackendKind = {
  protocol: 'relay',
  options: z.strictObject({ endpoints: z.array(address()).check(z.minLength(1)) }),
  build: never,
}

export const fakes: Registry = {
  protocols: [cache, relay, echo],
  backendKinds: [cacheBackend, relayBackend],
  componentKinds: [],
}
