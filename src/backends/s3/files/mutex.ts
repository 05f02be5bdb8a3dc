/** One at a time for each name, in the order of asking; names without anybody cost nothing. */
export class NamedMutex {
  readonly #tails = new Map<string, Promise<unknown>>()

  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(name)
    const mine = before === undefined ? work() : before.then(work, work)
    this.#tails.set(name, mine)
    try {
      return await mine
    } finally {
      if (this.#tails.get(name) === mine) this.#tails.delete(name)
    }
  }
}

/** Many may be inside at a time; who closes it waits for them to leave and keeps others waiting. */
export class Gate {
  #inside = 0
  #closing: Promise<void> | undefined
  #onEmpty: (() => void) | undefined

  async pass<T>(work: () => Promise<T>): Promise<T> {
    while (this.#closing) await this.#closing
    this.#inside++
    try {
      return await work()
    } finally {
      if (--this.#inside === 0) this.#onEmpty?.()
    }
  }

  /** Does the work with nobody inside. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    while (this.#closing) await this.#closing
    let open = () => {}
    this.#closing = new Promise(resolve => {
      open = resolve
    })
    try {
      if (this.#inside > 0) {
        await new Promise<void>(resolve => {
          this.#onEmpty = resolve
        })
      }
      return await work()
    } finally {
      this.#onEmpty = undefined
      this.#closing = undefined
      open()
    }
  }
}
