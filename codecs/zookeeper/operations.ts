/** The requests that a session can make: for each its code, its fields and those of the answer. */
import { bool, buffer, int, type JuteReader, malformed, text } from './jute.ts'
import { framed, readStat, type Stat } from './records.ts'

export interface Operation<Request, Result> {
  readonly code: number
  /** Whether it changes anything. */
  readonly writes: boolean
  encode(request: Request): Buffer
  decode(reader: JuteReader): Result
}

export function encodeRequest<Request, Result>(xid: number, operation: Operation<Request, Result>, request: Request) {
  return framed(int(xid), int(operation.code), operation.encode(request))
}

/** Who may do what with a node. */
export interface Acl {
  readonly permissions: number
  readonly scheme: string
  readonly id: string
}

export const ACL = {
  /** Everybody may do everything. */
  open: [{ permissions: 31, scheme: 'world', id: 'anyone' }],
  /** Those may whom the creating session is authenticated as. */
  creator: [{ permissions: 31, scheme: 'auth', id: '' }],
} as const satisfies Record<string, readonly Acl[]>

export const CREATE_MODE = { persistent: 0, ephemeral: 1, sequential: 2, ephemeralSequential: 3 } as const

export interface CreateRequest {
  readonly path: string
  readonly data: Buffer | null
  readonly acl: readonly Acl[]
  /** One of CREATE_MODE. */
  readonly mode: number
}

export interface SetDataRequest {
  readonly path: string
  readonly data: Buffer | null
  /** What it must be now; -1 for any. */
  readonly version: number
}

export interface Versioned {
  readonly path: string
  /** What it must be now; -1 for any. */
  readonly version: number
}

export interface Watching {
  readonly path: string
  /** Whether the next change is told, once. */
  readonly watch: boolean
}

export const CREATE: Operation<CreateRequest, { readonly path: string; readonly stat: Stat }> = {
  code: 15,
  writes: true,
  encode: ({ path, data, acl, mode }) => Buffer.concat([text(path), buffer(data), acls(acl), int(mode)]),
  decode: reader => ({ path: reader.text(), stat: readStat(reader) }),
}

export const DELETE: Operation<Versioned, undefined> = {
  code: 2,
  writes: true,
  encode: ({ path, version }) => Buffer.concat([text(path), int(version)]),
  decode: () => undefined,
}

export const EXISTS: Operation<Watching, Stat> = {
  code: 3,
  writes: false,
  encode: watching,
  decode: readStat,
}

export const GET_DATA: Operation<Watching, { readonly data: Buffer | null; readonly stat: Stat }> = {
  code: 4,
  writes: false,
  encode: watching,
  // Copied, so that nothing holds the whole frame.
  decode: reader => ({ data: copied(reader.buffer()), stat: readStat(reader) }),
}

export const SET_DATA: Operation<SetDataRequest, Stat> = {
  code: 5,
  writes: true,
  encode: ({ path, data, version }) => Buffer.concat([text(path), buffer(data), int(version)]),
  decode: readStat,
}

export const GET_CHILDREN: Operation<Watching, readonly string[]> = {
  code: 12,
  writes: false,
  encode: watching,
  decode: reader => reader.list(each => each.text()),
}

/** What follows on this connection sees everything that the leader had done when it was asked. */
export const SYNC: Operation<string, string> = {
  code: 9,
  writes: false,
  encode: text,
  decode: reader => reader.text(),
}

/** Tells of every change of a node and of all below it, until the connection ends. Servers from 3.6 on. */
export const ADD_TREE_WATCH: Operation<string, undefined> = {
  code: 106,
  writes: false,
  encode: path => Buffer.concat([text(path), int(1)]),
  decode: () => undefined,
}

/** Whatever watches this connection has of the node. */
export const REMOVE_WATCHES: Operation<string, undefined> = {
  code: 18,
  writes: false,
  encode: path => Buffer.concat([text(path), int(3)]),
  decode: () => undefined,
}

/** One step of a transaction. */
export type Step =
  | { readonly create: CreateRequest }
  | { readonly setData: SetDataRequest }
  | { readonly delete: Versioned }
  | { readonly check: Versioned }

/** What became of a step: `error` is 0 where it was done or would have been. */
export interface StepResult {
  readonly error: number
  /** Of what was set; of what was created not every server tells it. */
  readonly stat?: Stat
}

const CREATE_WITHOUT_STAT = 1
const CHECK_CODE = 13
const ERROR_CODE = -1

/** All steps or none. */
export const MULTI: Operation<readonly Step[], readonly StepResult[]> = {
  code: 14,
  writes: true,
  encode: steps => Buffer.concat([...steps.flatMap(encodeStep), multiHeader(ERROR_CODE, true)]),
  decode(reader) {
    const results: StepResult[] = []
    for (;;) {
      const code = reader.int()
      const isEnd = reader.bool()
      reader.int()
      if (isEnd) return results
      results.push(readStepResult(code, reader))
    }
  },
}

function encodeStep(step: Step): Buffer[] {
  if ('create' in step) return [multiHeader(CREATE.code, false), CREATE.encode(step.create)]
  if ('setData' in step) return [multiHeader(SET_DATA.code, false), SET_DATA.encode(step.setData)]
  if ('delete' in step) return [multiHeader(DELETE.code, false), DELETE.encode(step.delete)]
  return [multiHeader(CHECK_CODE, false), DELETE.encode(step.check)]
}

function readStepResult(code: number, reader: JuteReader): StepResult {
  if (code === CREATE.code) return { error: 0, stat: CREATE.decode(reader).stat }
  if (code === CREATE_WITHOUT_STAT) {
    reader.text()
    return { error: 0 }
  }
  if (code === SET_DATA.code) return { error: 0, stat: readStat(reader) }
  if (code === DELETE.code || code === CHECK_CODE) return { error: 0 }
  if (code === ERROR_CODE) return { error: reader.int() }
  throw malformed(`a transaction has a result of the unknown kind ${code}`)
}

function multiHeader(code: number, isEnd: boolean): Buffer {
  return Buffer.concat([int(code), bool(isEnd), int(-1)])
}

function watching({ path, watch }: Watching): Buffer {
  return Buffer.concat([text(path), bool(watch)])
}

function acls(list: readonly Acl[]): Buffer {
  const each = list.flatMap(({ permissions, scheme, id }) => [int(permissions), text(scheme), text(id)])
  return Buffer.concat([int(list.length), ...each])
}

function copied(data: Buffer | null): Buffer | null {
  return data && Buffer.from(data)
}
