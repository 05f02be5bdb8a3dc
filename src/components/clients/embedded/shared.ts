/** Values that several users share under a name: made for the first, disposed of after the last. */
export class Shared<T> {
  readonly #entries = new Map<string, { readonly made: Promise<T>; users: number }>()
  /** Whoever comes next waits until the last one is gone. */
  readonly #leaving = new Map<string, Promise<void>>()

  async use(
    name: string,
    make: () => Promise<T>,
    dispose: (value: T) => Promise<void>,
  ): Promise<{ value: T; release(): Promise<void> }> {
    let entry = this.#entries.get(name)
    if (!entry) {
      const before = this.#leaving.get(name) ?? Promise.resolve()
      this.#entries.set(name, (entry = { made: before.then(make), users: 0 }))
    }
    const found = entry
    found.users++
    const leave = () => {
      if (--found.users > 0) return false
      this.#entries.delete(name)
      return true
    }
    let value: T
    try {
      value = await found.made
    } catch (error) {
      leave()
      throw error
    }
    let used = true
    return {
      value,
      release: async () => {
        if (!used) return
        used = false
        if (!leave()) return
        const gone = dispose(value).catch(() => {})
        this.#leaving.set(name, gone)
        await gone
        if (this.#leaving.get(name) === gone) this.#leaving.delete(name)
      },
    }
  }
}
