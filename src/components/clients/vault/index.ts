/** A client of Vault's HTTP API: requests with a token that is kept alive, and what its answers mean. */
export { type VaultAuth, vaultAuth } from './auth.ts'
export { VaultClient } from './client.ts'
