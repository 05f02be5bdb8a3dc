// knex, drizzle and sequelize on mysql2, with migrations, transactions and pools of their own.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cases, load } from '../cases.mjs'
import { account } from './address.mjs'

const createKnex = load('knex')
const mysql = load('mysql2/promise')

function openKnex(after, more = {}) {
  const knex = createKnex({ client: 'mysql2', connection: account, pool: { min: 0, max: 8 }, ...more })
  after(() => knex.destroy())
  return knex
}

const MIGRATIONS = {
  '1-create': {
    up: async knex => {
      await knex.schema.createTable('knex_people', table => {
        table.increments('id')
        table.string('name').notNullable().unique()
        table.json('settings')
        table.timestamps(true, true)
      })
      await knex.schema.createTable('knex_orders', table => {
        table.increments('id')
        table.integer('person').unsigned().references('knex_people.id').onDelete('CASCADE')
        table.decimal('total', 10, 2)
        table.index(['person', 'total'])
      })
    },
    down: async knex => {
      await knex.schema.dropTable('knex_orders')
      await knex.schema.dropTable('knex_people')
    },
  },
  '2-alter': {
    up: knex =>
      knex.schema.alterTable('knex_people', table => {
        table.string('email').defaultTo('none')
        table.renameColumn('settings', 'options')
      }),
    down: knex =>
      knex.schema.alterTable('knex_people', table => {
        table.dropColumn('email')
        table.renameColumn('options', 'settings')
      }),
  },
}
const migrationSource = {
  getMigrations: async () => Object.keys(MIGRATIONS),
  getMigrationName: name => name,
  getMigration: async name => MIGRATIONS[name],
}

async function openDrizzle(after) {
  const pool = mysql.createPool({ ...account, connectionLimit: 8 })
  after(() => pool.end())
  return load('drizzle-orm/mysql2').drizzle(pool)
}

await cases({
  async 'knex: migrations up, down and up again'(after) {
    const knex = openKnex(after, { migrations: { migrationSource } })
    await knex.migrate.latest()
    assert.ok(await knex.schema.hasColumn('knex_people', 'email'))
    assert.deepEqual(
      (await knex.migrate.list()).map(list => list.length),
      [2, 0],
    )
    await knex.migrate.rollback(undefined, true)
    assert.equal(await knex.schema.hasTable('knex_people'), false)
    await knex.migrate.latest()
    assert.equal(await knex.schema.hasTable('knex_orders'), true)
  },
  async 'knex: two that migrate at once'(after) {
    const all = [
      openKnex(after, { migrations: { migrationSource } }),
      openKnex(after, { migrations: { migrationSource } }),
    ]
    await all[0].migrate.rollback(undefined, true)
    await Promise.allSettled(all.map(knex => knex.migrate.latest()))
    assert.ok(await all[0].schema.hasTable('knex_orders'))
  },
  async 'knex: rows and transactions'(after) {
    const knex = openKnex(after)
    const [id] = await knex('knex_people').insert({ name: 'Ada', options: JSON.stringify({ a: 1 }) })
    await knex('knex_people').insert({ name: 'Ada', email: 'x' }).onConflict('name').merge(['email'])
    assert.equal((await knex('knex_people').where({ id }).first()).email, 'x')
    await assert.rejects(
      knex.transaction(async trx => {
        await trx('knex_orders').insert({ person: id, total: 5 })
        await trx.transaction(async inner => {
          await inner('knex_orders').insert({ person: id, total: 6 })
        })
        throw new Error('away')
      }),
      /away/,
    )
    assert.equal(Number((await knex('knex_orders').count('* as n'))[0].n), 0)
    await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        knex.transaction(async trx => {
          await trx('knex_orders').insert({ person: id, total: i })
        }),
      ),
    )
    assert.equal(Number((await knex('knex_orders').sum('total as s'))[0].s), (50 * 49) / 2)
    const streamed = []
    for await (const row of knex('knex_orders').select('total').orderBy('id').stream()) streamed.push(row)
    assert.equal(streamed.length, 50)
    await knex.batchInsert(
      'knex_orders',
      Array.from({ length: 1_000 }, () => ({ person: id, total: 1 })),
      100,
    )
    await knex('knex_people').delete()
    assert.equal(Number((await knex('knex_orders').count('* as n'))[0].n), 0)
  },
  async 'drizzle: migrations'(after) {
    const db = await openDrizzle(after)
    const dir = mkdtempSync('/tmp/portolan-interop-drizzle-')
    after(() => rmSync(dir, { recursive: true }))
    mkdirSync(`${dir}/meta`)
    const steps = [
      'CREATE TABLE drizzle_people (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50) NOT NULL);\n--> statement-breakpoint\nCREATE INDEX people_name ON drizzle_people (name);',
      'ALTER TABLE drizzle_people ADD age INT;',
    ]
    const entries = steps.map((sql, idx) => {
      writeFileSync(`${dir}/000${idx}_step.sql`, sql)
      return { idx, version: '5', when: 1_700_000_000_000 + idx, tag: `000${idx}_step`, breakpoints: true }
    })
    writeFileSync(`${dir}/meta/_journal.json`, JSON.stringify({ version: '7', dialect: 'mysql', entries }))
    const { migrate } = load('drizzle-orm/mysql2/migrator')
    await migrate(db, { migrationsFolder: dir })
    await migrate(db, { migrationsFolder: dir })
    const { sql } = load('drizzle-orm')
    const [rows] = await db.execute(sql`SELECT COUNT(*) AS n FROM __drizzle_migrations`)
    assert.equal(Number(rows[0].n), 2)
  },
  async 'drizzle: rows and transactions'(after) {
    const db = await openDrizzle(after)
    const { int, mysqlTable, varchar } = load('drizzle-orm/mysql-core')
    const { eq, sql } = load('drizzle-orm')
    const people = mysqlTable('drizzle_people', {
      id: int().primaryKey().autoincrement(),
      name: varchar({ length: 50 }).notNull(),
      age: int(),
    })
    await db.insert(people).values([{ name: 'Ada', age: 36 }, { name: 'Bob' }])
    const prepared = db
      .select()
      .from(people)
      .where(eq(people.name, sql.placeholder('name')))
      .prepare()
    for (let i = 0; i < 30; i++) assert.equal((await prepared.execute({ name: 'Ada' }))[0].age, 36)
    await assert.rejects(
      db.transaction(async tx => {
        await tx.update(people).set({ age: 1 })
        await tx.transaction(async inner => inner.delete(people).where(eq(people.name, 'Bob')))
        tx.rollback()
      }),
    )
    assert.equal((await db.select().from(people).where(eq(people.age, 1))).length, 0)
    await db.transaction(tx => tx.update(people).set({ age: 2 }), {
      isolationLevel: 'serializable',
      accessMode: 'read write',
    })
    assert.equal((await db.select().from(people).where(eq(people.age, 2))).length, 2)
  },
  async 'sequelize: sync, associations and transactions'(after) {
    const { DataTypes, Sequelize } = load('sequelize')
    const db = new Sequelize(account.database, account.user, account.password, {
      host: account.host,
      port: account.port,
      dialect: 'mysql',
      dialectModule: load('mysql2'),
      logging: false,
      pool: { max: 8 },
    })
    after(() => db.close())
    const Person = db.define('sequelize_person', {
      name: { type: DataTypes.STRING, unique: true },
      seen: DataTypes.DATE,
    })
    const Order = db.define('sequelize_order', { total: DataTypes.DECIMAL(10, 2) })
    Person.hasMany(Order)
    Order.belongsTo(Person)
    await db.sync({ force: true })
    await db.sync({ alter: true })
    const ada = await Person.create({ name: 'Ada', seen: new Date(0) })
    await Order.bulkCreate(Array.from({ length: 100 }, (_, i) => ({ total: i, sequelizePersonId: ada.id })))
    await assert.rejects(
      db.transaction(async transaction => {
        await Order.destroy({ where: {}, transaction })
        await Person.create({ name: 'Ada' }, { transaction })
      }),
      { name: 'SequelizeUniqueConstraintError' },
    )
    const found = await Person.findOne({ where: { name: 'Ada' }, include: Order })
    assert.deepEqual([found.sequelize_orders.length, found.seen.getTime()], [100, 0])
    assert.equal((await Person.findOrCreate({ where: { name: 'Bob' } }))[1], true)
  },
})
