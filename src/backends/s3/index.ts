/** The upstream side of S3. */
import type { BackendKind } from '../../protocol.ts'
import { S3Backend } from './backend.ts'
import { s3Features } from './features.ts'
import { s3BackendOptions } from './options.ts'

export { S3Backend } from './backend.ts'
export type { Store, StoreBody, StoreExchange, StoreRequest, StoreResponse, StoreSink } from './store.ts'

export const s3BackendKind: BackendKind = {
  protocol: 's3',
  options: s3BackendOptions,
  features: s3Features,
  build: (config, runtime) => new S3Backend(config, runtime),
}
