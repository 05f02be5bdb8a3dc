/**
 * Configuration in three tables of MySQL: the items as they are, the last changes of them, and the head, one row with the
 * number of the last change. A write changes the head first and keeps it until it is committed: so changes are committed
 * in the order of their numbers, and whoever has read up to one has missed none before it. Beside each number stands a
 * random mark, which tells apart what got the same number before and after a failover that lost something.
 */
import { randomInt } from 'node:crypto'
import type { ConfigurationItem, ItemChange, ItemKey, Selection } from '../../apis/index.ts'
import type { ComponentContext } from '../../component.ts'
import {
  type Ask,
  all,
  list,
  MysqlClient,
  type MysqlTableOptions,
  type Sql,
  sql,
  table,
} from '../clients/mysql/index.ts'
import {
  type Change,
  type ChangeTables,
  type ConfigurationLimits,
  checkSizes,
  conflict,
  historyOf,
  MARKS,
  MAX_BYTES,
  NOWHERE,
  type Position,
  positionOf,
  tooMany,
  versionOf,
} from './table-changes.ts'

export class ConfigurationTables implements ChangeTables {
  readonly client: MysqlClient
  readonly #limits: ConfigurationLimits
  readonly #items: Sql
  readonly #changes: Sql
  readonly #head: Sql

  constructor(context: ComponentContext, options: MysqlTableOptions & ConfigurationLimits) {
    const named = (suffix: string) => table(options.database, options.table + suffix)
    this.#limits = options
    this.#items = named('')
    this.#changes = named('_changes')
    this.#head = named('_head')
    const place = sql`item_group VARBINARY(${MAX_BYTES.group}) NOT NULL,
      item_label VARBINARY(${MAX_BYTES.label}) NOT NULL, item_key VARBINARY(${MAX_BYTES.key}) NOT NULL`
    const version = sql`revision BIGINT NOT NULL, mark INT UNSIGNED NOT NULL`
    const type = sql`content_type VARBINARY(${MAX_BYTES.contentType}) NOT NULL`
    this.client = new MysqlClient(context, {
      ...options,
      statements: [
        sql`CREATE TABLE IF NOT EXISTS ${this.#items} (${place}, value LONGTEXT CHARACTER SET utf8mb4 NOT NULL,
          ${type}, ${version}, PRIMARY KEY (item_group, item_label, item_key)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`,
        sql`CREATE TABLE IF NOT EXISTS ${this.#changes} (${version}, place INT UNSIGNED NOT NULL, ${place},
          value LONGTEXT CHARACTER SET utf8mb4, ${type}, PRIMARY KEY (revision, place),
          KEY (item_group, item_label, item_key, revision)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`,
        sql`CREATE TABLE IF NOT EXISTS ${this.#head} (id TINYINT UNSIGNED NOT NULL PRIMARY KEY, ${version})
          ENGINE=InnoDB ROW_FORMAT=DYNAMIC`,
      ],
      look: sql`SELECT 1 FROM ${this.#items}, ${this.#changes}, ${this.#head} LIMIT 0`,
    })
  }

  /** The items of a selection, and the change that they are as of: of one moment. */
  async read(selection: Selection): Promise<{ readonly at: Position; readonly items: readonly ConfigurationItem[] }> {
    const { maxItems } = this.#limits
    if ((selection.keys?.length ?? 0) > maxItems) throw tooMany(maxItems)
    const { rows } = await this.client.read(
      sql`SELECT h.revision, h.mark, ${ITEM} FROM (SELECT 1 AS one) o
        LEFT JOIN ${this.#head} h ON h.id = 1
        LEFT JOIN ${this.#items} i ON ${within(selection)} LIMIT ${maxItems + 1}`,
    )
    if (rows.length > maxItems) throw tooMany(maxItems)
    const [revision, mark] = rows[0]!
    const items = rows.map(row => row.slice(2)).filter(([key]) => key !== null)
    return { at: positionOf(revision, mark), items: items.map(row => itemOf(row)!) }
  }

  async head(): Promise<Position> {
    const { rows } = await this.client.read(sql`SELECT revision, mark FROM ${this.#head} WHERE id = 1`)
    return rows[0] ? positionOf(rows[0][0], rows[0][1]) : NOWHERE
  }

  async since({ revision, mark }: Position): Promise<readonly Change[] | undefined> {
    const { maxItems } = this.#limits
    const answer = await this.client
      .read(
        sql`SELECT ${ITEM} FROM ${this.#changes} i WHERE revision >= ${revision}
          ORDER BY revision, place LIMIT ${maxItems + 1}`,
      )
      .catch(error => {
        // Longer than an answer may be.
        if (error.code === 'exhausted') return undefined
        throw error
      })
    const changes = answer?.rows.map(changeOf) ?? []
    const [first] = changes
    if (first?.revision !== revision || first.mark !== mark || changes.length > maxItems) return undefined
    return changes.filter(change => change.revision > revision)
  }

  async history(key: ItemKey, limit: number): Promise<readonly ConfigurationItem[]> {
    const selection = { ...key, keys: [key.key] }
    const most = Math.min(limit, this.#limits.maxItems)
    const [{ items }, { rows }] = await Promise.all([
      this.read(selection),
      this.client.read(
        sql`SELECT ${ITEM} FROM ${this.#changes} i WHERE ${within(selection)} AND value IS NOT NULL
          ORDER BY revision DESC, place DESC LIMIT ${most}`,
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
        const { insertId } = await ask(
          sql`INSERT INTO ${this.#head} (id, revision, mark) VALUES (1, LAST_INSERT_ID(1), ${mark})
            ON DUPLICATE KEY UPDATE revision = LAST_INSERT_ID(revision + 1), mark = ${mark}`,
        )
        const at = { revision: BigInt(insertId), mark }
        let done = 0
        for (const [i, change] of changes.entries()) if (await this.#apply(ask, change, at, i)) done++
        // Else the number would be one that nobody finds.
        if (done === 0) throw NOTHING_DONE
        await ask(sql`DELETE FROM ${this.#changes} WHERE revision <= ${at.revision - BigInt(this.#limits.keepChanges)}`)
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
    const where = within({ group, label, keys: [key] })
    if (expected !== undefined) {
      const { rows } = await ask(sql`SELECT ${ITEM} FROM ${this.#items} i WHERE ${where} FOR UPDATE`)
      const version = rows[0] ? itemOf(rows[0])!.version : ''
      if (version !== expected) throw conflict(key, version)
    }
    if (value === undefined) {
      const { affectedRows } = await ask(sql`DELETE FROM ${this.#items} WHERE ${where}`)
      if (affectedRows === 0) return false
    } else {
      await ask(
        sql`REPLACE INTO ${this.#items} (item_group, item_label, item_key, value, content_type, revision, mark)
          VALUES (${list([group, label, key, value, contentType, revision, mark])})`,
      )
    }
    await ask(
      sql`INSERT INTO ${this.#changes} (revision, mark, place, item_group, item_label, item_key, value, content_type)
        VALUES (${list([revision, mark, place, group, label, key, value ?? null, contentType])})`,
    )
    return true
  }
}

/** Of a table named i. */
const ITEM = sql`i.item_key, i.item_group, i.item_label, i.value, i.content_type, i.revision, i.mark`
const NOTHING_DONE = Symbol('nothing done')

type Row = readonly (string | null)[]

function changeOf(row: Row): Change {
  const [key, group, label, , , revision, mark] = row as readonly string[]
  return { ...positionOf(revision, mark), key: { key: key!, group: group!, label: label! }, item: itemOf(row) }
}

function itemOf(row: Row): ConfigurationItem | undefined {
  const [key, group, label, value, contentType, revision, mark] = row
  if (typeof value !== 'string') return undefined
  const version = versionOf(positionOf(revision, mark))
  return { key: key!, group: group!, label: label!, value, version, contentType: contentType ?? '', metadata: {} }
}

function within({ group, label, keys, prefix }: Selection): Sql {
  const place = [sql`item_group = ${group}`, sql`item_label = ${label}`]
  if (keys) return all([...place, keys.length === 0 ? sql`FALSE` : sql`item_key IN (${list(keys)})`])
  if (prefix === '') return all(place)
  // Bytes are compared, and no byte of UTF-8 is the last one: what begins so stands before the prefix with its end raised.
  const end = Buffer.from(prefix)
  end[end.length - 1]! += 1
  return all([...place, sql`item_key >= ${prefix}`, sql`item_key < ${end}`])
}
