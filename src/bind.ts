/** Binds the names of an application's manifest to what is there, or refuses a start or reload with every reason. */
import type { Registry, RequirementConfig } from './config/index.ts'
import { isMet, type Match, negotiate, offersOf, typesWith } from './features/index.ts'
import { type Generation, StartError } from './generation.ts'

export interface Bound {
  /** By the application's name: the component's, where it is another one. */
  readonly bindings: ReadonlyMap<string, string>
  /** A sentence for each requirement. */
  readonly notes: readonly string[]
}

type Parts = Pick<Generation, 'config' | 'components' | 'backends'>

/** Waits until the servers have shown what they can do, were found to be away, or the time is over. */
export async function showFeatures({ components, backends }: Omit<Parts, 'config'>, timeoutMs: number): Promise<void> {
  const unknown = [...backends.values()].filter(({ backend }) => backend.features?.().isProbed === false)
  const untold = [...components.values()].filter(({ component }) => component.status().state === 'connecting')
  const shown = Promise.allSettled([
    ...unknown.map(({ backend }) => backend.learn?.()),
    ...untold.map(({ component }) => component.probe(timeoutMs)),
  ])
  // A backend may hold what waits for its server for longer.
  await new Promise<void>(resolve => {
    const late = setTimeout(resolve, timeoutMs)
    void shown.then(() => {
      clearTimeout(late)
      resolve()
    })
  })
}

export function matchRequirements(
  parts: Parts,
  registry: Pick<Registry, 'componentKinds'>,
  requires: readonly RequirementConfig[] = parts.config.requires,
): readonly Match[] {
  return negotiate(requires, offersOf(parts), typesWith(registry))
}

/** Throws a StartError with a sentence for each requirement of the configuration that is not met. */
export function bindRequirements(parts: Parts, registry: Pick<Registry, 'componentKinds'>): Bound {
  const matches = matchRequirements(parts, registry)
  const problems = matches.filter(match => !isMet(match)).map(({ reason }) => `requires: ${reason}`)
  if (problems.length > 0) throw new StartError(problems)
  const renamed = matches.flatMap(({ requirement, offer }) =>
    offer && offer.name !== requirement.name ? [[requirement.name, offer.name] as const] : [],
  )
  return { bindings: new Map(renamed), notes: matches.map(({ reason }) => reason) }
}
