/** Private APIs as plug-ins: a service of a folder, with the proof that products behind it can be changed. */
export {
  type InspectedPlugin,
  inspectPlugin,
  type OpenPlugin,
  openPlugins,
  type PluginSummary,
  summaryOf,
} from './open.ts'
export {
  type Message,
  type PluginCall,
  PluginError,
  type PluginMethod,
  type PluginOptions,
} from './plugin.ts'
export { PROOF } from './proof.ts'
export type { PluginMethodShape, PluginSchema } from './schema.ts'
export { type Verification, verifyPlugin } from './verify.ts'
