/** What components that read files share: watched sources, formats, and mounted directories. */
export { type Changes, flatten, formatOf, parseTree, type Tree } from './formats.ts'
export { type Mount, readMount } from './mount.ts'
export { readText, replaceFile } from './read.ts'
export { FileSource, type Loaded } from './source.ts'
