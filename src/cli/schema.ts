/** `portolan schema`: prints the JSON Schema of the configuration for editors. */
import { jsonSchema, type Registry } from '../config/index.ts'
import { EXIT } from './exit-codes.ts'

export interface Output {
  write(text: string): unknown
}

/** Returns the exit code. */
export function runSchema({ registry, out }: { readonly registry: Registry; readonly out: Output }): number {
  out.write(`${JSON.stringify(jsonSchema(registry), null, 2)}\n`)
  return EXIT.ok
}
