/** The component that a Dapr call names, or Dapr's own error. */
import { ApiError, type ApiName } from '../../../src/apis/index.ts'
import type { Component } from '../../../src/component.ts'
import type { Services } from '../../../src/services/index.ts'
import { UnknownStore } from './errors.ts'

const WORDS = { configuration: 'configuration', lock: 'lock', secrets: 'secret', pubsub: 'pubsub' } as const

export function storeOf<Api extends ApiName & keyof typeof WORDS>(
  { directory }: Services,
  api: Api,
  name: string,
): Component<Api> {
  try {
    return directory.find(api, name)
  } catch (error) {
    const isAny = directory.all.some(each => each.api === api)
    throw new UnknownStore(WORDS[api], name, isAny, error as ApiError)
  }
}

/** Metadata is no back door to what a store understands: unknown keys are errors. */
export function allowMetadata(metadata: Readonly<Record<string, string>> | null, known: readonly string[]): void {
  for (const key of Object.keys(metadata ?? {})) {
    if (known.some(name => (name.endsWith('.') ? key.startsWith(name) : key.toLowerCase() === name.toLowerCase())))
      continue
    const allowed = known.length > 0 ? `known here: ${known.join(', ')}` : 'none is known here'
    throw new ApiError(
      'invalid-argument',
      `the metadata key ${JSON.stringify(key)} means nothing to every store; ${allowed}`,
    )
  }
}
