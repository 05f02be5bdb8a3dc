/** The component that a call of Dapr's or Layotto's names, or their own error. */
import type { ApiError, ApiName } from '../../../src/apis/index.ts'
import type { Component } from '../../../src/component.ts'
import type { Services } from '../../../src/services/index.ts'
import { UnknownStore } from './errors.ts'

const WORDS = {
  configuration: 'configuration',
  lock: 'lock',
  secrets: 'secret',
  pubsub: 'pubsub',
  sequencer: 'sequencer',
} as const

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
