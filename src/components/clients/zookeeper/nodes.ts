/** Nodes of ZooKeeper: what their names may be, making them with all above them, reading them with all below. */
import {
  ACL,
  type Acl,
  CREATE,
  CREATE_MODE,
  ERROR,
  GET_CHILDREN,
  GET_DATA,
  MULTI,
  type Stat,
  type Step,
  type StepResult,
} from '../../../../codecs/zookeeper/index.ts'
import { ApiError } from '../../../apis/index.ts'
import type { ZooKeeperClient } from './client.ts'
import { isCode, unless, ZooKeeperError } from './failure.ts'

/** What ZooKeeper takes in no name (the surrogates of UTF-16 among it), and our own mark. */
const FORBIDDEN = /[%\u0000-\u001f\u007f-\u009f\ud800-\uf8ff\ufff0-\uffff]+/g

/** Any text as the name of a node: what cannot stand in one is written as in a URL, and nothing at all as `%`. */
export function nodeName(text: string): string {
  if (text === '') return '%'
  if (text === '.' || text === '..') return text.replaceAll('.', '%2E')
  return text.replace(FORBIDDEN, encoded).replaceAll('/', '%2F')
}

/** The text of such a name; a name that others have given stands for itself. */
export function textOfNode(name: string): string {
  if (name === '%') return ''
  return name.replace(/(%[0-9A-F]{2})+/g, part => {
    try {
      return decodeURIComponent(part)
    } catch {
      return part
    }
  })
}

function encoded(part: string): string {
  try {
    return encodeURIComponent(part)
  } catch {
    throw new ApiError('invalid-argument', 'a name is no valid text: half a character of two')
  }
}

/** Who may do what with a node that we make. */
function aclOf(client: ZooKeeperClient): readonly Acl[] {
  return client.isAuthenticated ? ACL.creator : ACL.open
}

/** Makes a node, and those above it where they are missing; undefined if it is there already. */
export async function makeNode(client: ZooKeeperClient, path: string, data: Buffer | null): Promise<Stat | undefined> {
  const request = { path, data, acl: aclOf(client), mode: CREATE_MODE.persistent }
  try {
    return (await client.call(CREATE, request)).stat
  } catch (error) {
    if (isCode(error, ERROR.nodeExists)) return undefined
    if (!isCode(error, ERROR.noNode)) throw error
  }
  const parent = path.slice(0, path.lastIndexOf('/'))
  // The name of a client's own root that is missing.
  if (parent === '') throw new ApiError('not-found', `ZooKeeper has no place for ${path}`)
  await makeNode(client, parent, null)
  return unless(client.call(CREATE, request), ERROR.nodeExists).then(created => created?.stat)
}

/** All steps or none; rejects with the error of the step that kept it from being done. */
export async function transact(client: ZooKeeperClient, steps: readonly Step[]): Promise<readonly StepResult[]> {
  const results = await client.call(MULTI, steps)
  const failed = results.find(({ error }) => error !== 0 && error !== ERROR.notDone)
  if (failed) throw new ZooKeeperError(failed.error, 'a transaction')
  return results
}

/** The steps of a transaction that make a node; the result of the last one tells of it. */
export function makingSteps(client: ZooKeeperClient, path: string, data: Buffer): readonly Step[] {
  const create = { path, data: null, acl: aclOf(client), mode: CREATE_MODE.persistent }
  return [{ create }, { setData: { path, data, version: 0 } }]
}

/** A node that has data; others only hold what is below them. */
export interface NodeContent {
  readonly path: string
  readonly data: Buffer
  readonly stat: Stat
}

/** Undefined if it does not exist, or has no data. */
export async function readNode(client: ZooKeeperClient, path: string): Promise<NodeContent | undefined> {
  const found = await unless(client.call(GET_DATA, { path, watch: false }), ERROR.noNode)
  return found?.data ? { path, data: found.data, stat: found.stat } : undefined
}

/** Requests that are under way at a time, of one reading. */
const AT_A_TIME = 200

export async function readNodes(client: ZooKeeperClient, paths: readonly string[]): Promise<NodeContent[]> {
  const nodes: NodeContent[] = []
  for (let at = 0; at < paths.length; at += AT_A_TIME) {
    const part = paths.slice(at, at + AT_A_TIME).map(path => readNode(client, path))
    for (const node of await Promise.all(part)) if (node) nodes.push(node)
  }
  return nodes
}

/** The nodes below a root, as far as they are wanted. Throws what `tooMany` makes when there are more than `max`. */
export async function readTree(
  client: ZooKeeperClient,
  root: string,
  wanted: (path: string) => boolean,
  max: number,
  tooMany: () => Error,
): Promise<NodeContent[]> {
  const nodes: NodeContent[] = []
  let count = 0
  for (let level = [root]; level.length > 0; ) {
    const below: string[] = []
    for (let at = 0; at < level.length; at += AT_A_TIME) {
      const parents = level.slice(at, at + AT_A_TIME)
      const lists = parents.map(path => unless(client.call(GET_CHILDREN, { path, watch: false }), ERROR.noNode))
      const children = (await Promise.all(lists)).map((names = []) => names)
      below.push(...parents.flatMap((parent, i) => children[i]!.map(name => `${parent}/${name}`)).filter(wanted))
      if (count + below.length > max) throw tooMany()
    }
    count += below.length
    nodes.push(...(await readNodes(client, below)))
    level = below
  }
  return nodes
}
