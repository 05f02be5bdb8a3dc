/** Plugins of MariaDB that mysql2 does not know, for control connections. */
import type { AuthPlugin } from 'mysql2'
import {
  ED25519,
  ED25519_SCRAMBLE_BYTES,
  ed25519Proof,
  PARSEC,
  PARSEC_SCRAMBLE_BYTES,
  parsecProof,
} from '../../../codecs/mysql/index.ts'

/** By name, as the option of mysql2 takes them. */
export function authPlugins(password: string): Record<string, AuthPlugin> {
  return {
    [ED25519]: () => data => ed25519Proof(password, data.subarray(0, ED25519_SCRAMBLE_BYTES)),
    [PARSEC]: () => {
      let scramble: Buffer | undefined
      return async data => {
        if (scramble) return parsecProof(password, scramble, data)
        scramble = Buffer.from(data.subarray(0, PARSEC_SCRAMBLE_BYTES))
        return Buffer.alloc(0)
      }
    },
  }
}
