/** A client of Dubbo's providers: generic calls, bodies in Hessian 2. */

export type { Hessian } from './hessian.ts'
export { loadHessian } from './hessian.ts'
export { decodeAnswer, encodeInvocation } from './messages.ts'
export { DubboProviders } from './providers.ts'
