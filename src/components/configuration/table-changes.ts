/** What configuration in tables of a database is, whatever its SQL. */
import {
  ApiError,
  type ConfigurationItem,
  type ItemChange,
  type ItemKey,
  type Selection,
  type StoreFacts,
} from '../../apis/index.ts'
import type { Clock } from '../../protocol.ts'

/** A change, by its number, and a random mark which tells apart what got the same number before and after a loss. */
export interface Position {
  readonly revision: bigint
  readonly mark: number
}

/** An item as it became, or that it is gone. */
export interface Change extends Position {
  readonly key: ItemKey
  readonly item: ConfigurationItem | undefined
}

export interface ConfigurationLimits {
  /** Items of one selection. */
  readonly maxItems: number
  /** Changes whose values stay. */
  readonly keepChanges: number
}

/** Items as they are, the last changes of them, and the last change, in tables that can be read as of one moment. */
export interface ChangeTables {
  /** The items of a selection, and the change that they are as of. */
  read(selection: Selection): Promise<{ readonly at: Position; readonly items: readonly ConfigurationItem[] }>
  head(): Promise<Position>
  /** What came behind a change, in order; undefined when that one is not there (any more), or too much came. */
  since(position: Position): Promise<readonly Change[] | undefined>
  /** Applies all of the changes or none; the new version of each. */
  write(changes: readonly ItemChange[]): Promise<readonly string[]>
  history(key: ItemKey, limit: number): Promise<readonly ConfigurationItem[]>
  readonly client: {
    readonly clock: Clock
    check(timeoutMs: number): Promise<StoreFacts>
    close(): void | Promise<void>
  }
}

export const MAX_BYTES = { group: 255, label: 255, key: 1024, contentType: 255 } as const
/** Marks are below. */
export const MARKS = 2 ** 32
export const NOWHERE: Position = { revision: 0n, mark: 0 }

export const versionOf = ({ revision, mark }: Position): string => `${revision}-${mark.toString(36)}`

export const isSame = (a: Position, b: Position): boolean => a.revision === b.revision && a.mark === b.mark

/** Numbers as a database says them; of a head that nobody has written yet, NOWHERE. */
export function positionOf(revision: string | null | undefined, mark: string | null | undefined): Position {
  return typeof revision === 'string' ? { revision: BigInt(revision), mark: Number(mark) } : NOWHERE
}

/** Throws for names that are too long. */
export function checkSizes(change: ItemChange): void {
  for (const [name, most] of Object.entries(MAX_BYTES)) {
    const text = change[name as keyof typeof MAX_BYTES] ?? ''
    if (Buffer.byteLength(text) > most) throw new ApiError('invalid-argument', `${name} has ${most} bytes at most`)
  }
}

export function conflict(key: string, version: string): ApiError {
  const found = version === '' ? 'does not exist' : `is at version ${version}`
  return new ApiError('conflict', `${JSON.stringify(key)} ${found}, not as expected`)
}

export const tooMany = (most: number): ApiError => new ApiError('exhausted', `more than ${most} items are selected`)

/** The newest first, of the changes that are kept: the one that made the item what it is may be none of them any more. */
export function historyOf(
  present: readonly ConfigurationItem[],
  kept: readonly ConfigurationItem[],
  limit: number,
): readonly ConfigurationItem[] {
  const missing = present.filter(({ version }) => !kept.some(each => each.version === version))
  return [...missing, ...kept].slice(0, limit)
}
