/** Calls for applications: of methods of services that speak another protocol, and of applications by their id. */
import { ApiError, type Invocation, type InvocationResult } from '../apis/index.ts'
import type { Directory } from './directory.ts'

export class InvokeService {
  readonly #directory: Directory

  constructor(directory: Directory) {
    this.#directory = directory
  }

  async call(name: string, invocation: Invocation): Promise<InvocationResult> {
    const component = this.#directory.find('invoke', name)
    const { service, method, types, group, version, attachments } = invocation
    if (service === '') throw new ApiError('invalid-argument', 'the service is empty')
    if (method === '') throw new ApiError('invalid-argument', 'the method is empty')
    this.#directory.require(
      component,
      'invoke.generic',
      ...(types ? (['invoke.argument-types'] as const) : []),
      ...(group || version ? (['invoke.versions'] as const) : []),
      ...(Object.keys(attachments).length > 0 ? (['invoke.attachments'] as const) : []),
    )
    return component.store.call!(invocation)
  }
}
