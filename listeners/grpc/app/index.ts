/** The application's own port, for applications that are called rather than call. */
import { type Address, LiveSecret, type SecretRef } from '../../../src/config/index.ts'
import { formatAddress } from '../../../src/net/index.ts'
import type { Runtime } from '../../../src/protocol.ts'
import type { Services } from '../../../src/services/index.ts'
import type { AppChannel } from './channel.ts'
import { AppSubscriber } from './subscriber.ts'

export interface AppOptions {
  readonly address: Address
  readonly protocol: 'grpc' | 'http'
  readonly token?: SecretRef | undefined
  readonly timeout: number
  readonly maxInFlight: number
}

/** Begins to ask the application; call what it returns to end it. Rejects when the token cannot be read. */
export async function openApp(
  { address, protocol, token, timeout: timeoutMs, maxInFlight }: AppOptions,
  appId: string,
  services: Services,
  { clock, logger }: Runtime,
): Promise<() => Promise<void>> {
  const secret = token && new LiveSecret(token, { name: 'the token of the application', logger, clock })
  await secret?.read()
  const shown = () => secret?.value
  const channel = await openChannel(address, protocol, timeoutMs, shown)
  const subscriber = new AppSubscriber({ services, channel, clock, logger }, { appId, maxInFlight })
  subscriber.start()
  return async () => {
    await subscriber.close()
    secret?.close()
  }
}

async function openChannel(
  address: Address,
  protocol: 'grpc' | 'http',
  timeoutMs: number,
  token: () => string | undefined,
): Promise<AppChannel> {
  const where = formatAddress(address)
  if (protocol === 'grpc') {
    const { GrpcAppChannel } = await import('./grpc-channel.ts')
    return new GrpcAppChannel({ target: 'path' in address ? `unix:${address.path}` : where, timeoutMs, token })
  }
  if ('path' in address) throw new Error('an application that speaks HTTP is reached by host:port, not by a socket')
  const { HttpAppChannel } = await import('./http-channel.ts')
  return new HttpAppChannel({ base: `http://${where}`, timeoutMs, token })
}
