/** S3: any client of it, signed with keys of this listener's, served by whatever store stands behind. */
import type { ListenerConfig } from '../../src/config/index.ts'
import type { Protocol, Runtime } from '../../src/protocol.ts'
import { S3Listener } from './listener.ts'
import { type S3ListenerOptions, s3ListenerOptions } from './options.ts'

export const s3: Protocol = {
  name: 's3',
  options: s3ListenerOptions,
  exposed(options) {
    const { keys, tls } = options as S3ListenerOptions
    return keys.length > 0 || tls?.requireClientCertificate === true
  },
  otherBackends(options) {
    return (options as S3ListenerOptions).routes.flatMap(({ backend, readFallback }, at) => [
      ...(backend === undefined ? [] : [{ path: ['routes', at, 'backend'], name: backend }]),
      ...readFallback.map((name, i) => ({ path: ['routes', at, 'readFallback', i], name })),
    ])
  },
  environment(config: ListenerConfig, address: string) {
    const { tls, region } = config.options as S3ListenerOptions
    if (address.startsWith('/')) return {}
    return { AWS_ENDPOINT_URL_S3: `http${tls ? 's' : ''}://${address}`, AWS_REGION: region }
  },
  build(config: ListenerConfig, runtime: Runtime): S3Listener {
    return new S3Listener(config, runtime)
  },
}
