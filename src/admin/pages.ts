/** The pages of the admin listener: a table from path to what GET answers there, and those of the protocols. */
import { redactFields } from '../observability/redact.ts'
import type { AdminSource } from './source.ts'

export interface Page {
  readonly status: number
  readonly type: string
  readonly body: string
}

type Render = (source: AdminSource, query: URLSearchParams) => Page | Promise<Page>

const PAGES: Readonly<Record<string, Render>> = {
  '/': source => text(200, [...pathsOf(source), 'POST /reload'].join('\n')),
  '/livez': () => text(200, 'ok'),
  '/readyz': (source, query) => readiness(source, query.has('backends')),
  '/metrics': async source => {
    const { contentType, render } = await source.exposition()
    return { status: 200, type: contentType, body: await render() }
  },
  '/config': ({ generation }) => json(200, redactFields(generation.config)),
  '/listeners': source => json(200, listeners(source)),
  '/backends': source => json(200, backends(source)),
  '/components': source => json(200, components(source)),
}

function pathsOf(source: AdminSource): Iterable<string> {
  return new Set([...Object.keys(PAGES), ...protocolPages(source).map(({ path }) => path)])
}

/** What GET answers at that path; undefined when there is no such page. */
export function pageOf(source: AdminSource, path: string): Render | undefined {
  if (Object.hasOwn(PAGES, path)) return PAGES[path]
  const parts = protocolPages(source).filter(part => part.path === path)
  if (parts.length === 0) return undefined
  const answer = () => parts.map(({ listener, read }) => ({ listener, ...read() }))
  return () => json(200, answer())
}

interface PagePart {
  readonly path: string
  readonly listener: string
  read(): object
}

/** The pages that listeners bring along; those of the same protocol share theirs. */
function protocolPages({ generation }: AdminSource): PagePart[] {
  return [...generation.listeners.values()].flatMap(({ config, listener }) =>
    Object.entries(listener.pages ?? {}).map(([name, read]) => ({
      path: `/${config.protocol}/${name}`,
      listener: config.name,
      read,
    })),
  )
}

function readiness({ ready, generation }: AdminSource, askBackends: boolean): Page {
  if (!ready) return text(503, 'not ready: starting or draining')
  if (!askBackends) return text(200, 'ok')
  const down = [
    ...[...generation.backends.values()].map(({ config, backend }) => ({
      name: `backend ${config.name}`,
      ...backend.status(),
    })),
    ...[...generation.components.values()].map(({ config, component }) => ({
      name: `component ${config.name}`,
      ...component.status(),
    })),
  ].filter(({ state }) => state !== 'up')
  if (down.length === 0) return text(200, 'ok')
  return text(503, down.map(({ name, state, lastError }) => `${name}: ${lastError ?? state}`).join('\n'))
}

function listeners({ generation }: AdminSource): unknown {
  return [...generation.listeners.values()].map(({ config, listener }) => ({
    name: config.name,
    protocol: config.protocol,
    address: listener.address,
    backend: config.backend,
    ...listener.status(),
  }))
}

function backends({ generation }: AdminSource): unknown {
  return [...generation.backends.values()].map(({ config, backend }) => ({
    name: config.name,
    protocol: config.protocol,
    ...backend.status(),
  }))
}

function components({ generation }: AdminSource): unknown {
  return [...generation.components.values()].map(({ config, component }) => ({
    name: config.name,
    api: config.api,
    type: config.type,
    backend: config.backend,
    features: component.features,
    ...component.status(),
  }))
}

export function text(status: number, body: string): Page {
  return { status, type: 'text/plain; charset=utf-8', body: `${body}\n` }
}

export function json(status: number, body: unknown): Page {
  return { status, type: 'application/json; charset=utf-8', body: `${JSON.stringify(body, null, 2)}\n` }
}
