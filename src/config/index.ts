/** The configuration as the rest of the code sees it; read by load.ts, checked by schema.ts. */
export type { AdminConfig, AppConfig, BackendConfig, ListenerConfig, LogConfig, ShutdownConfig } from './types.ts'
