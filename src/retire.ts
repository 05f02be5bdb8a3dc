/** The end of what is no longer in service: listeners first, then the components and backends that they have worked with. */
import type { BackendUnit, ComponentUnit, ListenerUnit } from './generation.ts'
import type { Logger } from './observability/logger.ts'
import type { Clock } from './protocol.ts'

export interface Leaving {
  readonly listeners: Iterable<ListenerUnit>
  readonly components: Iterable<ComponentUnit>
  readonly backends: Iterable<BackendUnit>
}

/** Beyond the deadline: for what should have ended by it and did not. */
const MARGIN_MS = 1000

/** Lets go of parts, within graceMs for listeners and as much for what they use. Never rejects. */
export async function retire({ listeners, components, backends }: Leaving, graceMs: number): Promise<void> {
  await drainAll(listeners, graceMs)
  await closeComponents(components, graceMs)
  await closeAll(backends, graceMs)
}

/** Lets go of everything within graceMs, also of what is retiring already with more time; never rejects. */
export async function retireAll(all: readonly Leaving[], graceMs: number, clock: Clock, logger: Logger): Promise<void> {
  const deadline = clock.now() + graceMs
  const wait = (work: Promise<unknown>, what: string) =>
    within(clock, deadline - clock.now() + MARGIN_MS, work, () =>
      logger.warn({ graceMs }, `${what} did not end by the deadline; going on without`),
    )
  const listeners = all.flatMap(leaving => [...leaving.listeners])
  await wait(drainAll(listeners, graceMs), 'a listener')
  const left = () => Math.max(0, deadline - clock.now())
  const components = all.flatMap(leaving => [...leaving.components])
  await wait(closeComponents(components, left()), 'a component')
  const backends = all.flatMap(leaving => [...leaving.backends])
  await wait(closeAll(backends, left()), 'a backend')
}

/** Closes backends, also those that fail to. */
export async function closeAll(units: Iterable<BackendUnit>, graceMs: number): Promise<void> {
  await Promise.allSettled([...units].map(unit => unit.backend.close(graceMs)))
}

export async function closeComponents(units: Iterable<ComponentUnit>, graceMs: number): Promise<void> {
  await Promise.allSettled([...units].map(unit => unit.component.close(graceMs)))
}

async function drainAll(units: Iterable<ListenerUnit>, graceMs: number): Promise<void> {
  await Promise.allSettled([...units].map(unit => unit.listener.drain(graceMs)))
}

/** Waits for work, at most so long; never rejects. */
async function within(clock: Clock, ms: number, work: Promise<unknown>, onLate: () => void): Promise<void> {
  await new Promise<void>(resolve => {
    const cancel = clock.after(ms, () => {
      onLate()
      resolve()
    })
    const done = () => {
      cancel()
      resolve()
    }
    work.then(done, done)
  })
}
