/** Errors of the client library, which come in trees, as ours. */
import { ApiError, type ApiErrorCode } from '../../apis/index.ts'

/** By Kafka's names of its errors; the others are passing troubles of the cluster. */
const CODES: Readonly<Record<string, ApiErrorCode>> = {
  CLUSTER_AUTHORIZATION_FAILED: 'denied',
  GROUP_AUTHORIZATION_FAILED: 'denied',
  TOPIC_AUTHORIZATION_FAILED: 'denied',
  SASL_AUTHENTICATION_FAILED: 'denied',
  INVALID_GROUP_ID: 'invalid-argument',
  INVALID_RECORD: 'invalid-argument',
  INVALID_TOPIC_EXCEPTION: 'invalid-argument',
  MESSAGE_TOO_LARGE: 'invalid-argument',
  RECORD_LIST_TOO_LARGE: 'invalid-argument',
  UNKNOWN_TOPIC_OR_PARTITION: 'not-found',
}
/** The message may have been appended. */
const UNSURE: ReadonlySet<string> = new Set(['REQUEST_TIMED_OUT', 'NOT_ENOUGH_REPLICAS_AFTER_APPEND'])
/** It was certainly not appended; the leader may be another one, or not ready yet. */
const NOT_TAKEN: ReadonlySet<string> = new Set([
  'FENCED_LEADER_EPOCH',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_OR_FOLLOWER',
  'UNKNOWN_TOPIC_OR_PARTITION',
])
/** The library's words when an answer is lost; a connection that was never made has others. */
const LOST = /^(?:Connection closed|Request timed out)\.?$/
const UNKNOWN_TOPIC = /^Unknown topic /

interface Leaf extends Error {
  readonly code?: string
  /** Kafka's name of an error that the broker answered with. */
  readonly apiId?: string
}

/** `lost` is the code for a request whose answer did not come. */
export function asApiError(error: unknown, lost: 'unavailable' | 'unknown' = 'unavailable'): ApiError {
  if (error instanceof ApiError) return error
  const tree: readonly Leaf[] = treeOf(error)
  const all = leavesOf(error)
  const leaf = all.find(({ apiId }) => apiId !== undefined) ?? all[0]!
  const { apiId, message } = leaf
  const text = apiId === undefined ? message : `${apiId}: ${message}`
  const fail = (what: ApiErrorCode, words: string) => new ApiError(what, `${words}: ${text}`, { cause: error })
  if (tree.some(({ code }) => code === 'PLT_KFK_AUTHENTICATION')) return fail('denied', 'Kafka refuses')
  if (apiId !== undefined) {
    if (UNSURE.has(apiId)) return fail(lost, 'Kafka has not confirmed the request')
    return fail(CODES[apiId] ?? 'unavailable', 'Kafka refuses')
  }
  if (UNKNOWN_TOPIC.test(message)) return fail('not-found', 'Kafka refuses')
  if (tree.some(each => LOST.test(each.message))) return fail(lost, 'Kafka has not confirmed the request')
  return fail('unavailable', 'Kafka cannot be reached')
}

/** Whether a broker has answered that it cannot do it yet, such as while a coordinator is chosen. */
export function isPassing(error: unknown): boolean {
  const ids = leavesOf(error).flatMap(({ apiId }) => apiId ?? [])
  return ids.length > 0 && ids.every(id => !Object.hasOwn(CODES, id))
}

/** Whether all that was not taken can be sent again, once it is known who leads. */
export function canBeSentAgain(error: unknown): boolean {
  const leaves = leavesOf(error)
  return leaves.length > 0 && leaves.every(({ apiId }) => apiId !== undefined && NOT_TAKEN.has(apiId))
}

/** The partitions that took their messages, of a request that failed for some. */
export function partitionsTaken(error: unknown): ReadonlySet<number> {
  const taken = new Set<number>()
  for (const each of treeOf(error)) {
    const { responses = [] } = (each as { response?: ProduceResponse }).response ?? {}
    for (const { partitionResponses } of responses)
      for (const { index, errorCode } of partitionResponses) if (errorCode === 0) taken.add(index)
    for (const { partition } of (each as { produced?: Produced }).produced?.offsets ?? []) taken.add(partition)
  }
  return taken
}

interface ProduceResponse {
  readonly responses?: readonly {
    readonly partitionResponses: readonly { readonly index: number; readonly errorCode: number }[]
  }[]
}

interface Produced {
  readonly offsets?: readonly { readonly partition: number }[]
}

function leavesOf(error: unknown): readonly Leaf[] {
  return treeOf(error).filter(each => below(each).length === 0)
}

function treeOf(error: unknown): readonly Error[] {
  if (!(error instanceof Error)) return [new Error(String(error))]
  return [error, ...below(error).flatMap(treeOf)]
}

function below(error: Error): readonly unknown[] {
  const several: readonly unknown[] = error instanceof AggregateError ? error.errors : []
  return error.cause === undefined ? several : [...several, error.cause]
}
