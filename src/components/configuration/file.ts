/** Configuration from one file, YAML, JSON or properties, whose changes are told; it can be written if allowed to. */
import * as z from 'zod/mini'
import { ApiError, type ItemChange } from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import { described } from '../../config/index.ts'
import { type Changes, FileSource, formatOf, readText, replaceFile } from '../clients/files/index.ts'
import { type Items, versionOf, WatchedFilesConfigurationStore } from './watched-files.ts'

const options = () =>
  z.strictObject({
    path: z.string().check(z.minLength(1)).apply(described('The file: `.yaml`, `.yml`, `.json` or `.properties`.')),
    nestedSeparator: z
      ._default(z.string().check(z.minLength(1)), '.')
      .apply(described('What stands between the names of nested maps in a key.')),
    write: z
      ._default(z.boolean(), false)
      .apply(described('Whether applications may change the file; nobody else should write it then.')),
  })

export const fileConfiguration: ComponentKind<'configuration'> = {
  api: 'configuration',
  type: 'file',
  features: [
    'configuration.get',
    'configuration.list',
    'configuration.prefix',
    'configuration.subscribe',
    'configuration.delete-event',
    'configuration.write',
    'configuration.delete',
  ],
  options,
  async open(config, { name, logger, clock }) {
    const { path, nestedSeparator, write } = config as z.output<ReturnType<typeof options>>
    const format = formatOf(path, nestedSeparator)
    const readFile = async () => {
      const text = await readText(path).catch(error => {
        // What may be written may begin empty.
        if (write && error.cause?.code === 'ENOENT') return ''
        throw error
      })
      return text
    }
    const load = async () => {
      const text = await readFile()
      return { value: format.parse(path, text) as Items, fingerprint: versionOf(text), watched: [path] }
    }
    const apply = async (changes: Changes) => {
      const text = await readFile()
      const changed = format.change(path, text, changes)
      if (changed !== text) await replaceFile(path, changed)
    }
    const source = new FileSource(load, logger, clock)
    return new WatchedFilesConfigurationStore(name, source, write ? oneByOne(apply) : undefined)
  },
}

/** Writes of this store wait for each other, so that none is lost. */
function oneByOne(apply: (changes: Changes) => Promise<void>) {
  let last: Promise<unknown> = Promise.resolve()
  return (changes: readonly ItemChange[]): Promise<readonly string[]> => {
    for (const { group, label, expected } of changes) {
      if (group !== '' || label !== '') throw missing('configuration.group')
      if (expected !== undefined) throw missing('configuration.cas')
    }
    const values = new Map(changes.map(({ key, value }) => [key, value]))
    const result = last.then(async () => {
      await apply(values)
      return changes.map(({ value }) => (value === undefined ? '' : versionOf(value)))
    })
    last = result.catch(() => {})
    return result
  }
}

function missing(feature: 'configuration.group' | 'configuration.cas'): ApiError {
  return new ApiError('feature-missing', `a file has no ${feature}`, { feature })
}
