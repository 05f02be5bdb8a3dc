/** `portolan.v1`: the union of what the stores can do. */
import type { Service } from '../rpc.ts'
import type { ServiceContext } from '../services.ts'
import { configurationMethods } from './configuration.ts'
import { discoveryMethods } from './discovery.ts'
import { invokeMethods } from './invoke.ts'
import { lockMethods } from './lock.ts'
import { pubsubMethods } from './pubsub.ts'
import { secretMethods } from './secrets.ts'
import { sequencerMethods } from './sequencer.ts'

export function portolanServices(context: ServiceContext): readonly Service[] {
  return [
    { name: 'portolan.v1.Discovery', methods: discoveryMethods(context) },
    { name: 'portolan.v1.Configuration', methods: configurationMethods(context) },
    { name: 'portolan.v1.Lock', methods: lockMethods(context) },
    { name: 'portolan.v1.Sequencer', methods: sequencerMethods(context) },
    { name: 'portolan.v1.Secrets', methods: secretMethods(context) },
    { name: 'portolan.v1.PubSub', methods: pubsubMethods(context) },
    { name: 'portolan.v1.Invoke', methods: invokeMethods(context) },
  ]
}
