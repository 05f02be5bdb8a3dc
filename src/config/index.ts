/** The configuration as the rest of the code sees it: its types, and the schemas that protocols build theirs from. */

export { address, collide, isLocal } from './address.ts'
export type { Registry } from './assemble.ts'
export { described } from './described.ts'
export { type JsonSchema, jsonSchema, type SchemaPart, schemaParts } from './json-schema.ts'
export { LiveSecret, type LiveSecretOptions } from './live-secret.ts'
export { type LoadedConfig, loadConfig, sameConfig } from './load.ts'
export { nearest } from './nearest.ts'
export { ConfigError, type Problem, type ProblemDetails, renderProblems } from './problem.ts'
export { secretRef } from './secret-ref.ts'
export { readSecret } from './secrets.ts'
export { embeddedServer, hasOneSource } from './server-source.ts'
export { type ClientTlsOptions, clientTls, type ServerTlsOptions, serverTls } from './tls-options.ts'
export type {
  Address,
  AdminConfig,
  AppConfig,
  BackendConfig,
  ComponentConfig,
  ListenerConfig,
  LogConfig,
  RequirementConfig,
  SecretRef,
  ShutdownConfig,
} from './types.ts'
export { duration, type Quantity, size } from './units.ts'
export { watchFiles } from './watch-files.ts'
