/** An S3 backend: a service that is reached by HTTP, or files of this machine. */
import type { BackendConfig } from '../../config/index.ts'
import type { Backend, BackendStatus, ProbeReport, Runtime } from '../../protocol.ts'
import { FILE_FEATURES, featuresOf } from './features.ts'
import { FilesKeeper } from './files-keeper.ts'
import type { Keeper } from './keeper.ts'
import type { S3BackendOptions } from './options.ts'
import { PROFILES } from './profiles/table.ts'
import { ServiceKeeper } from './service-keeper.ts'
import type { Store } from './store.ts'

export class S3Backend implements Backend {
  readonly name: string
  readonly store: Store
  readonly #keeper: Keeper
  readonly #features: readonly string[]
  readonly #runtime: Runtime
  #forgetUp = (): void => {}
  #closing: Promise<void> | undefined

  constructor({ name, options }: BackendConfig, runtime: Runtime) {
    this.name = name
    this.#runtime = runtime
    const { embedded, profile } = options as S3BackendOptions
    this.#features = embedded ? FILE_FEATURES : featuresOf(PROFILES.get(profile)!)
    this.#keeper = embedded
      ? new FilesKeeper(embedded === true ? '.portolan/s3' : embedded.dataDirectory, runtime)
      : new ServiceKeeper(name, options as S3BackendOptions, runtime)
    this.store = this.#keeper.store
  }

  async start(): Promise<void> {
    this.#forgetUp = this.#runtime.metrics.source('portolan_upstream_up', () => [
      { labels: { backend: this.name }, value: this.status().state === 'up' ? 1 : 0 },
    ])
    await this.#keeper.start()
  }

  probe(timeoutMs: number): Promise<ProbeReport> {
    return this.#keeper.probe(timeoutMs)
  }

  /** It is known to be away. */
  get isDown(): boolean {
    return this.status().state === 'down'
  }

  status(): BackendStatus {
    return this.#keeper.status()
  }

  features() {
    return { features: this.#features, isProbed: true }
  }

  reread(): Promise<void> {
    return this.#keeper.reread()
  }

  close(graceMs: number): Promise<void> {
    this.#forgetUp()
    return (this.#closing ??= this.#keeper.close(graceMs))
  }
}
