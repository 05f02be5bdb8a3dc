/**
 * Calls of Dubbo's services as generic ones: by name, with plain values that the provider makes Java's objects of. Their
 * providers are told by address, or by ZooKeeper as the registry; they are called in turn.
 */
import * as z from 'zod/mini'
import { ApiError, type Invocation, type InvocationResult, type InvokeStore } from '../../apis/index.ts'
import type { ComponentContext, ComponentKind } from '../../component.ts'
import { type Address, address, described, duration, size } from '../../config/index.ts'
import { formatAddress } from '../../net/index.ts'
import { DubboProviders, decodeAnswer, encodeInvocation, type Hessian, loadHessian } from '../clients/dubbo/index.ts'
import { nodePath, ZooKeeperClient, zookeeperOptions } from '../clients/zookeeper/index.ts'
import { DubboRegistry, type ProviderSource } from './dubbo-registry.ts'

const options = () =>
  z
    .strictObject({
      providers: z
        .optional(z.array(address()).check(z.minLength(1), z.maxLength(1_000)))
        .apply(described('The providers of every service, as `host:port`; or else `registry`.')),
      registry: z
        .optional(
          z.strictObject({
            ...zookeeperOptions(),
            root: nodePath('/dubbo').apply(described('The node below which providers register.')),
          }),
        )
        .apply(described('The ZooKeeper where providers register; or else `providers`.')),
      timeout: duration('5s').apply(described('Limit for a call that names none.')),
      connectTimeout: duration('2s').apply(described('Limit for connecting to a provider.')),
      heartbeatInterval: duration('60s').apply(
        described('How often a provider is asked whether it is there; one that is silent for three is given up.'),
      ),
      maxAnswer: size('16MiB').apply(described('The longest answer of a provider.')),
      keepClasses: z
        ._default(z.boolean(), false)
        .apply(described('Whether objects of a result keep the field `class` with the name of their Java class.')),
    })
    .check(
      z.refine(({ providers, registry }) => (providers === undefined) !== (registry === undefined), {
        error: 'needs either providers or registry',
        path: ['providers'],
      }),
    )

type Options = z.output<ReturnType<typeof options>>

export const dubboInvoke: ComponentKind<'invoke'> = {
  api: 'invoke',
  type: 'dubbo',
  features: [
    'invoke.generic',
    'invoke.argument-types',
    'invoke.attachments',
    'invoke.versions',
    'invoke.balancing',
    'invoke.discovery',
  ],
  options,
  async open(raw, context) {
    return new DubboStore(await loadHessian(), raw as Options, context)
  },
}

class DubboStore implements InvokeStore {
  readonly #hessian: Hessian
  readonly #options: Options
  readonly #context: ComponentContext
  readonly #source: ProviderSource
  readonly #providers: DubboProviders
  #turn = 0

  constructor(hessian: Hessian, written: Options, context: ComponentContext) {
    this.#hessian = hessian
    this.#options = written
    this.#context = context
    const { registry, providers, connectTimeout, heartbeatInterval, maxAnswer } = written
    this.#providers = new DubboProviders({
      clock: context.clock,
      connectTimeoutMs: connectTimeout,
      heartbeatMs: heartbeatInterval,
      maxBodyBytes: maxAnswer,
    })
    if (registry) {
      const { root, ...rest } = registry
      this.#source = new DubboRegistry(new ZooKeeperClient(rest, context), root)
    } else this.#source = this.#fixed(providers!)
  }

  async call(invocation: Invocation): Promise<InvocationResult> {
    const { clock } = this.#context
    const { timeout, keepClasses } = this.#options
    const limitMs = invocation.timeoutMs ?? timeout
    const deadline = clock.now() + limitMs
    const body = encodeInvocation(this.#hessian, invocation, limitMs)
    const addresses = await this.#source.providersOf(invocation)
    const connection = await this.#connection(addresses, deadline)
    const { status, body: answer } = await connection.send(body, Math.max(1, deadline - clock.now()))
    return decodeAnswer(this.#hessian, status, answer, keepClasses)
  }

  async check(timeoutMs: number) {
    await this.#source.check(timeoutMs)
    const { registry, providers } = this.#options
    const known = registry ? 'ZooKeeper' : providers!.map(formatAddress).join(', ')
    const lacks = { 'invoke.discovery': 'its providers are configured by address' }
    return { facts: { providers: known }, ...(registry ? {} : { lacks }) }
  }

  async close(): Promise<void> {
    this.#providers.close()
    await this.#source.close()
  }

  /** To the next one in turn that can be reached: nothing has been sent before. */
  async #connection(addresses: readonly Address[], deadline: number) {
    const first = this.#turn++
    let failure: unknown
    for (let i = 0; i < addresses.length && this.#context.clock.now() < deadline; i++) {
      const provider = this.#providers.at(addresses[(first + i) % addresses.length]!)
      try {
        return await provider.connection()
      } catch (error) {
        failure = error
      }
    }
    throw failure ?? new ApiError('unavailable', 'no provider could be reached in time')
  }

  #fixed(addresses: readonly Address[]): ProviderSource {
    return {
      providersOf: async () => addresses,
      check: async timeoutMs => {
        const deadline = this.#context.clock.now() + timeoutMs
        await (await this.#connection(addresses, deadline)).heartbeat(timeoutMs)
      },
      close: async () => {},
    }
  }
}
