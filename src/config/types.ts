/** The checked configuration: defaults filled in, durations in milliseconds, sizes in bytes. */

/** A place to bind or to dial: TCP, or a unix socket. */
export type Address = { readonly host: string; readonly port: number } | { readonly path: string }

/** Where a secret comes from; it is read when it is needed and never kept in the configuration. */
export type SecretRef =
  | { readonly env: string }
  | { readonly file: string }
  | { readonly command: readonly string[]; readonly refreshMs?: number }

export interface ListenerConfig {
  readonly name: string
  readonly protocol: string
  readonly address: Address
  /** The backend's name; checked to exist and to speak the listener's protocol. */
  readonly backend?: string
  /** Further ones that its options name, checked likewise. */
  readonly otherBackends?: readonly string[]
  /** The protocol's own options, checked by its schema. */
  readonly options: unknown
}

export interface BackendConfig {
  readonly name: string
  readonly protocol: string
  readonly options: unknown
}

/** A store of a standardized API under a name of its own. */
export interface ComponentConfig {
  readonly name: string
  readonly api: string
  readonly type: string
  /** The backend that it uses; checked to exist and to speak the right protocol. */
  readonly backend?: string
  readonly options: unknown
}

/** What the application needs under a name of its own: the manifest. */
export interface RequirementConfig {
  readonly name: string
  /** An API or a protocol. */
  readonly api: string
  readonly must: readonly string[]
  readonly prefer: readonly string[]
}

export interface AdminConfig {
  readonly address: Address | undefined
  readonly token: SecretRef | undefined
  readonly allowedHosts: readonly string[]
}

export interface LogConfig {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly format: 'json' | 'text'
}

export interface ShutdownConfig {
  readonly graceMs: number
}

export interface AppConfig {
  readonly admin: AdminConfig
  readonly log: LogConfig
  readonly shutdown: ShutdownConfig
  readonly listeners: readonly ListenerConfig[]
  readonly backends: readonly BackendConfig[]
  readonly components: readonly ComponentConfig[]
  readonly requires: readonly RequirementConfig[]
}
