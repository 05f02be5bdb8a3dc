/** From the merged tree to the checked configuration: each section against its schema, then how they fit together. */
import * as z from 'zod/mini'
import type { ComponentKind } from '../component.ts'
import { knownFeatures } from '../features/index.ts'
import type { BackendKind, Protocol } from '../protocol.ts'
import { collide, isLocal } from './address.ts'
import { checkTree, REQUIRED } from './describe.ts'
import { nearest } from './nearest.ts'
import { formatPath, type Problem, type ProblemDetails, problemAt } from './problem.ts'
import {
  admin,
  backendCommon,
  componentCommon,
  listenerCommon,
  log,
  NAME,
  requirement,
  SECTIONS,
  type SectionName,
  shutdown,
} from './sections.ts'
import { isTreeMap, spotAt, type Tree, treeAt } from './tree.ts'
import type { Address, AppConfig, BackendConfig, ComponentConfig, ListenerConfig, RequirementConfig } from './types.ts'

/** The protocols, backends and components that a configuration can name. */
export interface Registry {
  readonly protocols: readonly Protocol[]
  readonly backendKinds: readonly BackendKind[]
  readonly componentKinds: readonly ComponentKind[]
}

export interface Assembled {
  /** Only to be used when there are no problems. */
  readonly config: AppConfig
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
}

type Path = readonly [string, ...PropertyKey[]]

const EXPOSED_LISTENER =
  'can be reached from other machines, but nobody has to authenticate; use 127.0.0.1 or a unix socket, require ' +
  'authentication, or set allowUnauthenticated: true'
const EXPOSED_ADMIN =
  'can be reached from other machines, which may then read metrics and status; use 127.0.0.1 or a unix socket, or set ' +
  'allowUnauthenticated: true'

/** Never throws: what is wrong is in the list of problems. */
export function assemble(root: Tree, registry: Registry): Assembled {
  const problems: Problem[] = []
  const warnings: Problem[] = []
  const report = (path: Path, details: ProblemDetails, list = problems) =>
    void list.push(problemAt(spotAt(root, path), path, details))

  const sections = z.strictObject(
    Object.fromEntries(Object.keys(SECTIONS).map(name => [name, z.optional(z.unknown())])),
  )
  checkTree(sections, root, [], problems)

  const anyListener = z.extend(listenerCommon, { protocol: wordOf(registry.protocols.map(({ name }) => name)) })
  const anyBackend = z.extend(backendCommon, { protocol: wordOf(registry.backendKinds.map(kind => kind.protocol)) })
  const listeners = entries(root, 'listeners', problems).map(([name, tree]) => readListener(name, tree))
  const backends = entries(root, 'backends', problems).map(([name, tree]) => readBackend(name, tree))
  const components = entries(root, 'components', problems).map(([name, tree]) => readComponent(name, tree))
  const requires = entries(root, 'requires', problems).flatMap(([name, tree]) => readRequirement(name, tree) ?? [])
  const adminRead = checkTree(admin, section(root, 'admin'), ['admin'], problems)
  const logRead = checkTree(log, section(root, 'log'), ['log'], problems)
  const shutdownRead = checkTree(shutdown, section(root, 'shutdown'), ['shutdown'], problems)

  for (const listener of listeners) checkBackendOf(listener)
  for (const component of components) checkBackendOfComponent(component)
  checkAddresses()
  for (const { name } of backends) {
    if (listeners.some(({ backend, others }) => backend === name || others.some(other => other.name === name))) continue
    if (components.some(({ backend }) => backend === name)) continue
    report(['backends', name], { message: 'is used by no listener and no component' }, warnings)
  }
  if (!listeners.length && !problems.length)
    report(['listeners'], { message: 'has no entry: nothing listens' }, warnings)

  return {
    config: {
      admin: {
        address: (adminRead?.address ?? false) || undefined,
        token: adminRead?.token,
        allowedHosts: adminRead?.allowedHosts ?? [],
      },
      log: logRead ?? { level: 'info', format: 'json' },
      shutdown: { graceMs: shutdownRead?.grace ?? 0 },
      listeners: listeners.flatMap(({ complete }) => complete ?? []),
      backends: backends.flatMap(({ complete }) => complete ?? []),
      components: components.flatMap(({ complete }) => complete ?? []),
      requires,
    },
    problems,
    warnings,
  }

  function readListener(name: string, tree: Tree) {
    const path = ['listeners', name] as const
    const common = checkTree(anyListener, split(tree, anyListener.shape).inside, path, problems)
    const protocol = registry.protocols.find(({ name }) => name === wordAt(tree, 'protocol'))
    const options = protocol && readOptions(protocol.options, tree, anyListener.shape, path)
    const others = (options !== undefined && protocol?.otherBackends?.(options)) || []
    const complete: ListenerConfig | undefined = protocol &&
      common && {
        name,
        protocol: protocol.name,
        address: common.address,
        ...(common.backend === undefined ? {} : { backend: common.backend }),
        ...(others.length > 0 && { otherBackends: [...new Set(others.map(other => other.name))] }),
        options,
      }
    const backend = wordAt(tree, 'backend')
    const open = !common?.allowUnauthenticated && options !== undefined && !protocol?.exposed?.(options)
    return { name, protocol: protocol?.name, backend, others, address: common?.address, open, complete }
  }

  function readBackend(name: string, tree: Tree) {
    const path = ['backends', name] as const
    checkTree(anyBackend, split(tree, anyBackend.shape).inside, path, problems)
    const kind = registry.backendKinds.find(({ protocol }) => protocol === wordAt(tree, 'protocol'))
    const options = kind && readOptions(kind.options, tree, anyBackend.shape, path)
    const complete: BackendConfig | undefined = kind && { name, protocol: kind.protocol, options }
    return { name, protocol: kind?.protocol, complete }
  }

  function readComponent(name: string, tree: Tree) {
    const path = ['components', name] as const
    const { componentKinds } = registry
    const api = wordAt(tree, 'api')
    const apis = [...new Set(componentKinds.map(kind => kind.api))]
    const ofApi = componentKinds.filter(kind => kind.api === api)
    // Without a valid api, any type may be meant.
    const types = new Set((ofApi.length > 0 ? ofApi : componentKinds).map(({ type }) => type))
    const any = z.extend(componentCommon, { api: wordOf(apis), type: wordOf([...types]) })
    checkTree(any, split(tree, any.shape).inside, path, problems)
    const kind = ofApi.find(({ type }) => type === wordAt(tree, 'type'))
    const options = kind && readOptions(kind.options(), tree, any.shape, path)
    const backend = wordAt(tree, 'backend')
    const complete: ComponentConfig | undefined = kind && {
      name,
      api: kind.api,
      type: kind.type,
      ...(backend === undefined ? {} : { backend }),
      options,
    }
    return { name, kind, backend, complete }
  }

  function readRequirement(name: string, tree: Tree): RequirementConfig | undefined {
    const path = ['requires', name] as const
    const known = knownFeatures(registry)
    const read = checkTree(z.extend(requirement, { api: wordOf(Object.keys(known)) }), tree, path, problems)
    if (!read) return undefined
    const features = Object.keys(known[read.api]!)
    for (const list of ['must', 'prefer'] as const) {
      read[list].forEach((feature, at) => {
        if (features.includes(feature)) return
        const suggestion = nearest(feature, features)
        report(['requires', name, list, at], {
          message: `is no feature of ${read.api}`,
          found: JSON.stringify(feature),
          allowed: features,
          suggestion,
        })
      })
    }
    return { name, ...read }
  }

  function checkBackendOfComponent({ name, kind, backend }: ReturnType<typeof readComponent>): void {
    if (!kind) return
    const path: Path = ['components', name, 'backend']
    if (kind.backend === undefined) {
      if (backend !== undefined) report(path, { message: `does not go with type: ${kind.type}, which uses no backend` })
      return
    }
    const fitting = backends.filter(({ protocol }) => protocol === kind.backend).map(candidate => candidate.name)
    if (backend !== undefined) checkNamed(path, backend, kind.backend, fitting)
    else if (!treeAt(root, path)) report(path, { message: REQUIRED, allowed: fitting })
  }

  function readOptions(schema: z.ZodMiniObject, tree: Tree, common: object, path: Path): unknown {
    const strict = z.catchall(schema, z.never())
    return checkTree(strict, split(tree, common).outside, path, problems, { otherKeys: Object.keys(common) })
  }

  function checkBackendOf({ name, protocol, backend, others }: ReturnType<typeof readListener>): void {
    if (protocol === undefined) return
    const path: Path = ['listeners', name, 'backend']
    const fitting = backends.filter(candidate => candidate.protocol === protocol).map(candidate => candidate.name)
    if (backend === undefined) {
      const needed = registry.backendKinds.some(kind => kind.protocol === protocol)
      if (needed && !treeAt(root, path)) report(path, { message: REQUIRED, allowed: fitting })
      return
    }
    checkNamed(path, backend, protocol, fitting)
    for (const other of others) checkNamed(['listeners', name, ...other.path], other.name, protocol, fitting)
  }

  function checkNamed(path: Path, backend: string, protocol: string, fitting: readonly string[]): void {
    const target = backends.find(candidate => candidate.name === backend)
    if (!target) {
      const suggestion = nearest(backend, fitting)
      report(path, { message: `names no backend`, found: JSON.stringify(backend), allowed: fitting, suggestion })
    } else if (target.protocol !== undefined && target.protocol !== protocol) {
      report(path, {
        message: `must name a ${protocol} backend; ${backend} speaks ${target.protocol}`,
        allowed: fitting,
      })
    }
  }

  function checkAddresses(): void {
    const bound: { readonly path: Path; readonly address: Address }[] = []
    // The admin listener comes first: its default must not be blamed on a section that was never written.
    const all = [
      { path: ['admin', 'address'] as Path, address: adminRead?.address, open: !adminRead?.allowUnauthenticated },
      ...listeners.map(({ name, ...rest }) => ({ ...rest, path: ['listeners', name, 'address'] as Path })),
    ]
    for (const { path, address, open } of all) {
      if (!address) continue
      const other = bound.find(earlier => collide(earlier.address, address))
      if (other) report(path, { message: `is already taken by ${formatPath(other.path)}` })
      bound.push({ path, address })
      if (!open || isLocal(address)) continue
      report(path, { message: path[0] === 'admin' ? EXPOSED_ADMIN : EXPOSED_LISTENER })
    }
  }
}

/** The entries of a section that maps names to things. */
function entries(root: Tree, name: SectionName, problems: Problem[]): [string, Tree][] {
  const tree = section(root, name)
  const names = z.string().check(z.regex(NAME, 'must be a plain name: letters, digits, - and _, at most 63 of them'))
  checkTree(z.record(names, z.looseObject({})), tree, [name], problems)
  const isEntry = ([name, child]: [string, Tree]) => NAME.test(name) && isTreeMap(child.content)
  return isTreeMap(tree.content) ? [...tree.content].filter(isEntry) : []
}

/** A section that is missing or left empty counts as an empty map. */
function section(root: Tree, name: SectionName): Tree {
  const tree = treeAt(root, [name])
  const empty = tree === undefined || tree.content === null
  return empty ? { ...(tree ?? root), content: new Map(), key: tree?.key, expanded: false } : tree
}

function wordOf(names: readonly string[]) {
  return z.enum(names as [string, ...string[]])
}

function wordAt(tree: Tree, key: string): string | undefined {
  const content = treeAt(tree, [key])?.content
  return typeof content === 'string' ? content : undefined
}

/** The same map twice: with the keys of the shape only, and without them. */
function split(tree: Tree, shape: object): { readonly inside: Tree; readonly outside: Tree } {
  const all = isTreeMap(tree.content) ? [...tree.content] : []
  const part = (wanted: boolean) => new Map(all.filter(([key]) => Object.hasOwn(shape, key) === wanted))
  return { inside: { ...tree, content: part(true) }, outside: { ...tree, content: part(false) } }
}
