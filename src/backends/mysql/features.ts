/** What servers of MySQL's protocol can do that not all can: by product and version, as the greeting tells them. */
import { type Greeting, isMariaDb } from '../../../codecs/mysql/index.ts'

export const mysqlFeatures = {
  'mysql.mysql': 'It is MySQL, or as good as that.',
  'mysql.mariadb': 'It is MariaDB.',
  'mysql.cte': 'Common table expressions (WITH).',
  'mysql.window-functions': 'Window functions (OVER).',
  'mysql.check-constraints': 'CHECK constraints that are enforced.',
  'mysql.skip-locked': 'SELECT ... FOR UPDATE SKIP LOCKED.',
  'mysql.json-table': 'JSON_TABLE.',
  'mysql.returning': 'INSERT ... RETURNING.',
  'mysql.sequences': 'Sequences (CREATE SEQUENCE).',
} as const satisfies Readonly<Record<`mysql.${string}`, string>>

type Feature = keyof typeof mysqlFeatures

/** From which version each product has it; what is missing it never has. */
const SINCE: Readonly<Record<'mysql' | 'mariadb', readonly (readonly [feature: Feature, version: string])[]>> = {
  mysql: [
    ['mysql.cte', '8.0.1'],
    ['mysql.window-functions', '8.0.2'],
    ['mysql.skip-locked', '8.0.1'],
    ['mysql.json-table', '8.0.4'],
    ['mysql.check-constraints', '8.0.16'],
  ],
  mariadb: [
    ['mysql.cte', '10.2.1'],
    ['mysql.window-functions', '10.2.0'],
    ['mysql.check-constraints', '10.2.1'],
    ['mysql.sequences', '10.3.0'],
    ['mysql.returning', '10.5.0'],
    ['mysql.json-table', '10.6.0'],
    ['mysql.skip-locked', '10.6.0'],
  ],
}

export function featuresOf(greeting: Greeting): readonly string[] {
  const product = isMariaDb(greeting) ? 'mariadb' : 'mysql'
  const version = greeting.serverVersion.replace(/^5\.5\.5-/, '')
  const since = SINCE[product].filter(([, from]) => isAtLeast(version, from)).map(([feature]) => feature)
  return [`mysql.${product}`, ...since]
}

function isAtLeast(version: string, wanted: string): boolean {
  const [a, b] = [version, wanted].map(text => text.split('.').map(part => Number.parseInt(part, 10) || 0))
  for (let i = 0; i < 3; i++) if (a![i] !== b![i]) return (a![i] ?? 0) > (b![i] ?? 0)
  return true
}
