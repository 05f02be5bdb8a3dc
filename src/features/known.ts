/** The features that are known, and who could have them. */
import { FEATURES } from '../apis/index.ts'
import { type ComponentKind, featuresOf } from '../component.ts'
import type { BackendKind } from '../protocol.ts'

/** Every feature that an application may require, by API or protocol, with its meaning. */
export function knownFeatures({
  backendKinds,
}: {
  readonly backendKinds: readonly BackendKind[]
}): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const ofProtocols = backendKinds.flatMap(({ protocol, features }) =>
    features ? [[protocol, features] as const] : [],
  )
  return { ...FEATURES, ...Object.fromEntries(ofProtocols) }
}

/** The types of components that have a feature. */
export function typesWith({
  componentKinds,
}: {
  readonly componentKinds: readonly ComponentKind[]
}): (feature: string) => readonly string[] {
  return feature =>
    componentKinds.flatMap(kind => ((featuresOf(kind) as readonly string[]).includes(feature) ? [kind.type] : []))
}
