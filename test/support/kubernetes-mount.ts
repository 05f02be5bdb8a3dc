/** A ConfigMap or Secret as the kubelet mounts it: files that are links into `..data`, which is swapped in one step. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export class KubernetesMount {
  readonly path: string
  readonly #values = new Map<string, string>()
  #swaps = 0

  constructor(path = mkdtempSync(join(tmpdir(), 'mount-'))) {
    this.path = path
    mkdirSync(path, { recursive: true })
    this.#swap()
  }

  /** Sets keys, or removes those without a value, all in one step. */
  put(values: Readonly<Record<string, string | undefined>>): void {
    for (const [key, value] of Object.entries(values)) {
      if (value === undefined) this.#values.delete(key)
      else this.#values.set(key, value)
    }
    this.#swap()
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true })
  }

  #swap(): void {
    const state = `..state_${++this.#swaps}`
    mkdirSync(join(this.path, state))
    for (const [key, value] of this.#values) writeFileSync(join(this.path, state, key), value)
    const data = join(this.path, '..data')
    const old = this.#swaps > 1 ? readlinkSync(data) : undefined
    symlinkSync(state, `${data}_tmp`)
    renameSync(`${data}_tmp`, data)
    const links = new Set(readdirSync(this.path).filter(name => !name.startsWith('..')))
    for (const key of this.#values.keys()) {
      if (!links.delete(key)) symlinkSync(join('..data', key), join(this.path, key))
    }
    for (const gone of links) rmSync(join(this.path, gone), { recursive: true })
    if (old) rmSync(join(this.path, old), { recursive: true })
  }
}
