/** Names with `*` for any characters, as the options have them. */
export class Patterns {
  readonly #pattern: RegExp | undefined

  /** Without patterns everything matches. */
  constructor(patterns: readonly string[] | undefined) {
    if (patterns && !patterns.includes('*')) this.#pattern = new RegExp(`^(?:${patterns.map(source).join('|')})$`, 's')
    if (patterns?.length === 0) this.#pattern = /[^\s\S]/
  }

  get matchesAll(): boolean {
    return this.#pattern === undefined
  }

  match(name: string): boolean {
    return this.#pattern === undefined || this.#pattern.test(name)
  }
}

/** Stars in a row are one: several would make a failing match slow. */
function source(pattern: string): string {
  return pattern
    .split(/\*+/)
    .map(text => text.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
    .join('.*')
}
