/** The conformance suite of the secrets API. A store is read only, so the subject says how secrets are put into it. */
import { expect } from 'vitest'
import { type Bench, type Case, expectRefusal, register, type Subject } from './suite.ts'

export interface SecretsSubject extends Subject<'secrets'> {
  /** Sets all values of a secret, or removes it. A single value under the secret's own name is a secret of one value. */
  put(name: string, values: Readonly<Record<string, string>> | undefined): Promise<void>
  /** A secret's name made of plain letters, digits, `-`; where the store is stricter this says how it is written there. */
  readonly nameOf?: (name: string) => string
  /** What may be part of a name, beside plain letters. */
  readonly oddNames?: readonly string[]
  /** Values that this kind of store can hold. */
  readonly oddValues?: readonly string[]
}

export function secretsConformance(subject: SecretsSubject): void {
  register('secrets', secretsCases, subject)
}

const ODD_VALUES: readonly string[] = [
  ' blanks around ',
  'a||b',
  '{"json": true}',
  'quote\'"\\$(x)`',
  'Grüße-日本語-🚀',
  'two\nlines',
  'x'.repeat(32_768),
]

type SecretsBench = Bench<'secrets', SecretsSubject>

/** Puts a secret that is there for this case only; under its own name where a text is given. */
async function put(bench: SecretsBench, name: string, values: string | Record<string, string>): Promise<void> {
  bench.afterwards(() => bench.subject.put(name, undefined))
  await bench.subject.put(name, typeof values === 'string' ? { [name]: values } : values)
}

function nameOf(bench: SecretsBench, hint: string): string {
  const name = bench.name(hint)
  return bench.subject.nameOf?.(name) ?? name
}

/** Asks until the store says so: some notice a moment later what was put behind their back. */
async function expectValues(bench: SecretsBench, name: string, values: Record<string, string>): Promise<void> {
  const { store } = bench
  await bench.eventually(`secret ${name}`, async () => {
    expect((await store.get(name))?.values).toEqual(values)
    return true
  })
}

export const secretsCases: readonly Case<'secrets', SecretsSubject>[] = [
  {
    title: 'a secret of one value has it under its own name',
    needs: ['secrets.get'],
    async run(bench) {
      const name = nameOf(bench, 'single')
      await put(bench, name, 'open sesame')
      await expectValues(bench, name, { [name]: 'open sesame' })
      expect((await bench.store.get(name))?.name).toBe(name)
    },
  },
  {
    title: 'what does not exist is not found, nor what is gone',
    needs: ['secrets.get'],
    async run(bench) {
      expect(await bench.store.get(nameOf(bench, 'missing'))).toBeUndefined()
      for (const odd of ['../missing', 'a/b', '', '..', '__proto__', 'constructor', 'toString']) {
        expect(await bench.store.get(odd), odd).toBeUndefined()
      }
      const name = nameOf(bench, 'gone')
      await put(bench, name, 'x')
      await expectValues(bench, name, { [name]: 'x' })
      await bench.subject.put(name, undefined)
      await bench.eventually('the secret is gone', async () => (await bench.store.get(name)) === undefined)
    },
  },
  {
    title: 'odd names and values are read as they are',
    needs: ['secrets.get'],
    async run(bench) {
      for (const odd of bench.subject.oddNames ?? []) {
        const name = `${nameOf(bench, 'odd')}${odd}`
        await put(bench, name, odd)
        await expectValues(bench, name, { [name]: odd })
      }
      const name = nameOf(bench, 'odd-values')
      for (const odd of bench.subject.oddValues ?? ODD_VALUES) {
        await put(bench, name, odd)
        await expectValues(bench, name, { [name]: odd })
      }
    },
  },
  {
    title: 'a secret that was changed is read as it is now, with another version where there are any',
    needs: ['secrets.get'],
    async run(bench) {
      const name = nameOf(bench, 'changed')
      await put(bench, name, 'before')
      await expectValues(bench, name, { [name]: 'before' })
      const before = await bench.store.get(name)
      await put(bench, name, 'after')
      await expectValues(bench, name, { [name]: 'after' })
      const after = await bench.store.get(name)
      if (before!.version !== '' || bench.has('secrets.version')) expect(after!.version).not.toBe(before!.version)
      expect((await bench.store.get(name))!.version).toBe(after!.version)
    },
  },
  {
    title: 'all secrets are read at once, each as by its name',
    needs: ['secrets.bulk'],
    async run(bench) {
      const names = [nameOf(bench, 'bulk-a'), nameOf(bench, 'bulk-b'), nameOf(bench, 'bulk-c')]
      for (const name of names) await put(bench, name, `value of ${name}`)
      for (const name of names) await expectValues(bench, name, { [name]: `value of ${name}` })
      const { store } = bench
      const all = await bench.eventually('all are listed', async () => {
        const listed = await store.list!()
        return names.every(name => listed.some(secret => secret.name === name)) && listed
      })
      for (const name of names) {
        expect(all.filter(secret => secret.name === name)).toEqual([await store.get(name)])
      }
      await bench.subject.put(names[0]!, undefined)
      await bench.eventually('what is gone is listed no more', async () => {
        const listed = await store.list!()
        return listed.every(secret => secret.name !== names[0]) && listed.some(secret => secret.name === names[1])
      })
    },
  },
  {
    title: 'a secret holds several values, each under its key',
    needs: ['secrets.multi-value'],
    async run(bench) {
      const name = nameOf(bench, 'multi')
      await put(bench, name, { username: 'ada', password: 'p||w', 'tls.key': 'k' })
      await expectValues(bench, name, { username: 'ada', password: 'p||w', 'tls.key': 'k' })
    },
  },
  {
    title: 'an earlier version is read by its number, one that never was is not found',
    needs: ['secrets.version'],
    async run(bench) {
      const name = nameOf(bench, 'versions')
      const versions: string[] = []
      for (const value of ['one', 'two', 'three']) {
        await put(bench, name, value)
        await expectValues(bench, name, { [name]: value })
        versions.push((await bench.store.get(name))!.version)
      }
      expect(new Set(versions).size).toBe(3)
      for (const [i, value] of ['one', 'two', 'three'].entries()) {
        const secret = await bench.store.get(name, versions[i])
        expect(secret).toEqual({ name, values: { [name]: value }, version: versions[i] })
      }
      expect(await bench.store.get(name, '987654')).toBeUndefined()
      expect(await bench.store.get(name, 'no-such-version')).toBeUndefined()
    },
  },
  {
    title: 'a subscriber is told of what is new, changed or gone, until it is enough',
    needs: ['secrets.change-event'],
    async run(bench) {
      const name = nameOf(bench, 'watched')
      let told = new Set<string>()
      let afterClose = 0
      const watch = bench.store.watch!(names => names.forEach(each => void told.add(each)))
      bench.afterwards(() => watch.close())
      const early = bench.store.watch!(() => afterClose++)
      early.close()
      afterClose = 0
      for (const value of ['new', 'changed', undefined]) {
        if (value !== undefined) await put(bench, name, value)
        else await bench.subject.put(name, undefined)
        await bench.eventually(`told that it is ${value ?? 'gone'}`, () => told.has(name))
        // Whoever is told reads anew, and must not read what was.
        expect((await bench.store.get(name))?.values[name]).toBe(value)
        told = new Set()
      }
      expect(afterClose).toBe(0)
    },
  },
  {
    title: 'what the store cannot do it does not offer',
    needs: [],
    async run(bench) {
      expect(bench.store.list !== undefined).toBe(bench.has('secrets.bulk'))
      expect(bench.store.watch !== undefined).toBe(bench.has('secrets.change-event'))
    },
  },
  {
    title: 'over an outage: calls are refused as unavailable and work afterwards',
    needs: ['secrets.get'],
    outage: true,
    async run(bench) {
      const name = nameOf(bench, 'outage')
      await put(bench, name, 'x')
      await expectValues(bench, name, { [name]: 'x' })
      let told = false
      const watch = bench.store.watch?.(names => (told ||= names.includes(name)))
      bench.afterwards(() => watch?.close())
      await bench.outage(async () => {
        await expectRefusal(bench.store.get(name), 'unavailable')
        if (bench.store.list) await expectRefusal(bench.store.list(), 'unavailable')
        await expectRefusal(bench.store.check(2_000), 'unavailable')
      })
      await expectValues(bench, name, { [name]: 'x' })
      await put(bench, name, 'y')
      await expectValues(bench, name, { [name]: 'y' })
      if (watch) await bench.eventually('told after the outage', () => told)
    },
  },
]
