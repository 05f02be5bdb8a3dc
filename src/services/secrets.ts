/** Secrets for applications. */
import { ApiError, type Secret } from '../apis/index.ts'
import type { Directory } from './directory.ts'

export class SecretsService {
  readonly #directory: Directory

  constructor(directory: Directory) {
    this.#directory = directory
  }

  /** Throws `not-found`. An empty version is the current one. */
  async get(name: string, secret: string, version = ''): Promise<Secret> {
    const component = this.#directory.find('secrets', name)
    if (secret === '') throw new ApiError('invalid-argument', 'the name of the secret is empty')
    this.#directory.require(component, 'secrets.get', ...(version ? (['secrets.version'] as const) : []))
    const found = await component.store.get(secret, version || undefined)
    if (found) return found
    throw new ApiError(
      'not-found',
      `component ${name} has no secret ${JSON.stringify(secret)}${version && ` in version ${version}`}`,
    )
  }

  async list(name: string): Promise<readonly Secret[]> {
    const component = this.#directory.find('secrets', name)
    this.#directory.require(component, 'secrets.bulk')
    return component.store.list!()
  }

  /** Tells names of secrets that changed; call what it returns to end it. */
  watch(name: string, names: readonly string[], onChange: (names: readonly string[]) => void): () => void {
    const component = this.#directory.find('secrets', name)
    this.#directory.require(component, 'secrets.change-event')
    const wanted = new Set(names)
    const watch = component.store.watch!(changed => {
      const told = wanted.size === 0 ? changed : changed.filter(each => wanted.has(each))
      if (told.length > 0) onChange(told)
    })
    return () => watch.close()
  }
}
