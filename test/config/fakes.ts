/** Small protocols that exercise every kind of option, so that configuration tests depend on no real protocol. */
import { z } from 'zod'
import { address, clientTls, duration, type Registry, secretRef, serverTls, size } from '../../src/config/index.ts'
import type { BackendKind, Protocol } from '../../src/protocol.ts'

function never(): never {
  throw new Error('a configuration test builds nothing')
}

const cache: Protocol = {
  name: 'cache',
  options: z
    .strictObject({
      idleTimeout: duration('5m').describe('Closes a connection that was silent for so long.'),
      maxFrame: size('8MiB').describe('Largest request.'),
      maxClients: z.int().min(1).max(65_536).default(10_000).describe('Connections at a time.'),
      ratio: z.number().gt(0).max(1).default(0.5).describe('Some share.'),
      mode: z.enum(['strict', 'lenient']).default('strict').describe('How it reads.'),
      compress: z.boolean().default(false).describe('Whether it compresses.'),
      label: z.string().min(1).optional().describe('Some text.'),
      tls: serverTls().optional().describe('TLS towards the application.'),
      users: z
        .array(z.strictObject({ name: z.string(), password: secretRef(), commands: z.array(z.string()).default([]) }))
        .default([])
        .describe('Who may connect.'),
      limits: z.record(z.string(), z.int()).default({}).describe('Limits by name.'),
    })
    .refine(options => options.mode !== 'lenient' || !options.compress, {
      path: ['compress'],
      error: 'does not go with mode: lenient',
    }),
  exposed: options => (options as { users: unknown[] }).users.length > 0,
  build: never,
}

const relay: Protocol = {
  name: 'relay',
  options: z.strictObject({
    balance: z
      .discriminatedUnion('by', [
        z.strictObject({ by: z.literal('random') }),
        z.strictObject({ by: z.literal('hash'), key: z.string() }),
      ])
      .default({ by: 'random' }),
    target: z.union([z.strictObject({ pool: z.int() }), z.strictObject({ single: address() })]).optional(),
  }),
  build: never,
}

const echo: Protocol = { name: 'echo', options: z.strictObject({}), exposed: () => true, build: never }

const cacheBackend: BackendKind = {
  protocol: 'cache',
  options: z.strictObject({
    endpoints: z.array(address()).min(1).describe('Where it is.'),
    topology: z.enum(['standalone', 'cluster']).default('standalone').describe('How they belong together.'),
    connectTimeout: duration('2s').describe('Longest wait for a connection.'),
    credentials: z
      .strictObject({ user: z.string().optional(), password: secretRef() })
      .optional()
      .describe('Who Portolan is there.'),
    tls: clientTls().optional().describe('TLS towards the backend.'),
  }),
  build: never,
}

const relayBackend: BackendKind = {
  protocol: 'relay',
  options: z.strictObject({ endpoints: z.array(address()).min(1) }),
  build: never,
}

export const fakes: Registry = { protocols: [cache, relay, echo], backendKinds: [cacheBackend, relayBackend] }
