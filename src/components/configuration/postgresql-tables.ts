/**
 * Configuration in three tables of PostgreSQL: the items as they are, the last changes of them, and the head, one row with
 * the number of the last change. A write changes the head first and keeps it until it is committed: so changes are
 * committed in the order of their numbers, and whoever has read up to one has missed none before it.
 */
import { randomInt } from 'node:crypto'
import type { ConfigurationItem, ItemChange, ItemKey, Selection } from '../../apis/index.ts'
import type { ComponentContext } from '../../component.ts'
import {
  type Ask,
  PostgresqlClient,
  type PostgresqlOptions,
  type Row,
  type SqlValue,
} from '../clients/postgresql/index.ts'
import {
  type Change,
  type ChangeTables,
  type ConfigurationLimits,
  checkSizes,
  conflict,
  historyOf,
  MARKS,
  NOWHERE,
  type Position,
  positionOf,
  tooMany,
  versionOf,
} from './table-changes.ts'

type Options = PostgresqlOptions & ConfigurationLimits

/** Columns of a table named i. */
const ITEM = 'i.key, i."group", i.label, i.value, i.content_type, i.revision, i.mark'
const NOTHING_DONE = Symbol('nothing done')

export class PostgresqlTables implements ChangeTables {
  readonly client: PostgresqlClient
  readonly #limits: ConfigurationLimits
  readonly #channel: string
  readonly #items: string
  readonly #changes: string
  readonly #head: string

  private constructor(client: PostgresqlClient, options: Options) {
    const { items, changes, head } = namesOf(options)
    this.client = client
    this.#limits = options
    this.#channel = options.table
    this.#items = items
    this.#changes = changes
    this.#head = head
  }

  static async open(context: ComponentContext, options: Options): Promise<PostgresqlTables> {
    const { items, changes, head } = namesOf(options)
    const place = '"group" text COLLATE "C" NOT NULL, label text COLLATE "C" NOT NULL, key text COLLATE "C" NOT NULL'
    const version = 'revision bigint NOT NULL, mark bigint NOT NULL'
    const tables = [
      `CREATE TABLE IF NOT EXISTS ${items} (${place}, value text NOT NULL, content_type text NOT NULL, ${version}, PRIMARY KEY ("group", label, key))`,
      `CREATE TABLE IF NOT EXISTS ${changes} (${version}, place int NOT NULL, ${place}, value text, content_type text NOT NULL, PRIMARY KEY (revision, place))`,
      `CREATE INDEX IF NOT EXISTS "${options.table}_history" ON ${changes} ("group", label, key, revision)`,
      `CREATE TABLE IF NOT EXISTS ${head} (id smallint PRIMARY KEY, ${version})`,
    ]
    return new PostgresqlTables(await PostgresqlClient.open(options, tables, context), options)
  }

  /** Of one moment, as it is one statement. */
  async read(selection: Selection): Promise<{ readonly at: Position; readonly items: readonly ConfigurationItem[] }> {
    const { maxItems } = this.#limits
    if ((selection.keys?.length ?? 0) > maxItems) throw tooMany(maxItems)
    const { condition, values } = within(selection)
    const rows = await this.client.read(
      `SELECT h.revision AS head, h.mark AS head_mark, ${ITEM} FROM (SELECT 1 AS one) o LEFT JOIN ${this.#head} h ON h.id = 1 LEFT JOIN ${this.#items} i ON ${condition} LIMIT ${maxItems + 1}`,
      values,
    )
    if (rows.length > maxItems) throw tooMany(maxItems)
    const at = positionOf(rows[0]!['head'], rows[0]!['head_mark'])
    return { at, items: rows.flatMap(row => itemOf(row) ?? []) }
  }

  async head(): Promise<Position> {
    const [row] = await this.client.read(`SELECT revision, mark FROM ${this.#head} WHERE id = 1`, [])
    return row ? positionOf(row['revision'], row['mark']) : NOWHERE
  }

  async since({ revision, mark }: Position): Promise<readonly Change[] | undefined> {
    const { maxItems } = this.#limits
    const rows = await this.client.read(
      `SELECT ${ITEM} FROM ${this.#changes} i WHERE revision >= $1 ORDER BY revision, place LIMIT ${maxItems + 1}`,
      [revision],
    )
    const changes = rows.map(changeOf)
    const [first] = changes
    if (first?.revision !== revision || first.mark !== mark || rows.length > maxItems) return undefined
    return changes.filter(change => change.revision > revision)
  }

  async history(key: ItemKey, limit: number): Promise<readonly ConfigurationItem[]> {
    const selection = { ...key, keys: [key.key] }
    const { condition, values } = within(selection)
    const [{ items }, rows] = await Promise.all([
      this.read(selection),
      this.client.read(
        `SELECT ${ITEM} FROM ${this.#changes} i WHERE ${condition} AND value IS NOT NULL ORDER BY revision DESC, place DESC LIMIT ${Math.min(limit, this.#limits.maxItems)}`,
        values,
      ),
    ])
    return historyOf(
      items,
      rows.map(row => itemOf(row)!),
      limit,
    )
  }

  /** Applies all of the changes or none; the new version of each. */
  async write(changes: readonly ItemChange[]): Promise<readonly string[]> {
    for (const change of changes) checkSizes(change)
    if (changes.length === 0) return []
    const mark = randomInt(MARKS)
    try {
      return await this.client.transaction(async ask => {
        const [row] = await ask(
          `INSERT INTO ${this.#head} AS h (id, revision, mark) VALUES (1, 1, $1) ON CONFLICT (id) DO UPDATE SET revision = h.revision + 1, mark = $1 RETURNING revision`,
          [mark],
        )
        const at = { revision: BigInt(row!['revision']!), mark }
        let done = 0
        for (const [i, change] of changes.entries()) if (await this.#apply(ask, change, at, i)) done++
        // Else the number would be one that nobody finds.
        if (done === 0) throw NOTHING_DONE
        await ask(`DELETE FROM ${this.#changes} WHERE revision <= $1`, [at.revision - BigInt(this.#limits.keepChanges)])
        // Told when it is committed. That something has changed is all that is told: what, is read.
        await ask("SELECT pg_notify($1, '')", [this.#channel])
        return changes.map(({ value }) => (value === undefined ? '' : versionOf(at)))
      })
    } catch (error) {
      if (error === NOTHING_DONE) return changes.map(() => '')
      throw error
    }
  }

  /** False when there was nothing to delete. */
  async #apply(ask: Ask, change: ItemChange, { revision, mark }: Position, place: number): Promise<boolean> {
    const { group, label, key, value, contentType = '', expected } = change
    const where = [group, label, key]
    const isIt = '"group" = $1 AND label = $2 AND key = $3'
    if (expected !== undefined) {
      const [row] = await ask(`SELECT ${ITEM} FROM ${this.#items} i WHERE ${isIt} FOR UPDATE`, where)
      const version = row ? itemOf(row)!.version : ''
      if (version !== expected) throw conflict(key, version)
    }
    if (value === undefined) {
      const gone = await ask(`DELETE FROM ${this.#items} WHERE ${isIt} RETURNING key`, where)
      if (gone.length === 0) return false
    } else {
      await ask(
        `INSERT INTO ${this.#items} ("group", label, key, value, content_type, revision, mark) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT ("group", label, key) DO UPDATE SET value = $4, content_type = $5, revision = $6, mark = $7`,
        [...where, value, contentType, revision, mark],
      )
    }
    await ask(
      `INSERT INTO ${this.#changes} (revision, mark, place, "group", label, key, value, content_type) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [revision, mark, place, ...where, value ?? null, contentType],
    )
    return true
  }
}

function namesOf({ schema, table }: Options) {
  const named = (suffix: string) => `"${schema}"."${table}${suffix}"`
  return { items: named(''), changes: named('_changes'), head: named('_head') }
}

function changeOf(row: Row): Change {
  const [key, group, label] = [row['key']!, row['group']!, row['label']!]
  return { ...positionOf(row['revision'], row['mark']), key: { key, group, label }, item: itemOf(row) }
}

function itemOf(row: Row): ConfigurationItem | undefined {
  const value = row['value']
  if (typeof value !== 'string') return undefined
  return {
    key: row['key']!,
    group: row['group']!,
    label: row['label']!,
    value,
    version: versionOf(positionOf(row['revision'], row['mark'])),
    contentType: row['content_type'] ?? '',
    metadata: {},
  }
}

function within({ group, label, keys, prefix }: Selection): { condition: string; values: readonly SqlValue[] } {
  const place = '"group" = $1 AND label = $2'
  if (keys) return { condition: `${place} AND key = ANY($3)`, values: [group, label, keys] }
  // The first is for the index, the second is what is meant.
  return { condition: `${place} AND key >= $3 AND starts_with(key, $3)`, values: [group, label, prefix] }
}
