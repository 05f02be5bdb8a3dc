// The table of exceptions in README.md is the only list there is: what it names may fail through Portolan.
import { readFileSync } from 'node:fs'

/** Rows `| suite | case | reason |` below the heading "Exceptions"; a case may end in `*`. */
export function readExceptions(readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')) {
  const section = readme.split(/^## /m).find(part => part.startsWith('Exceptions')) ?? ''
  const rows = section
    .split('\n')
    .filter(line => line.startsWith('| ') && !line.startsWith('| Suite') && !line.startsWith('|--'))
    .map(line => line.split('|').map(cell => cell.trim()))
    .map(([, suite, name, reason]) => ({ suite, name: name.replace(/^`|`$/g, ''), reason }))
  return (suite, name) =>
    rows.find(
      row =>
        row.suite === suite && (row.name.endsWith('*') ? name.startsWith(row.name.slice(0, -1)) : row.name === name),
    )?.reason
}
