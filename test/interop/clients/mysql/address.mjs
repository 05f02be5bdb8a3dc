// Where the Node programs find MySQL, as service.mjs says it, and what several of them need.
import { readFileSync } from 'node:fs'

export const account = {
  host: process.env.MYSQL_HOST,
  port: Number(process.env.MYSQL_PORT),
  user: 'app',
  password: 'app',
  database: 'app',
}
export const ca = readFileSync(process.env.MYSQL_CA)
export const caFile = process.env.MYSQL_CA
export const isMariadb = process.env.MYSQL_SERVER.startsWith('mariadb')

/** 20 MB in which every byte occurs and no short period. */
export const BIG = Buffer.alloc(20_000_000, Buffer.from(Array.from({ length: 251 }, (_, i) => (i * 7) & 255)))
