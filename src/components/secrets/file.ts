/** Secrets from one JSON or YAML file, read as Dapr's `local.file` does. */
import * as z from 'zod/mini'
import type { ComponentKind } from '../../component.ts'
import { described } from '../../config/index.ts'
import { FileSource, flatten, parseTree, readText, type Tree } from '../clients/files/index.ts'
import { digestOf, type SecretValues, WatchedFilesSecretsStore } from './watched-files.ts'

const options = () =>
  z.strictObject({
    path: z.string().check(z.minLength(1)).apply(described('The file, JSON or YAML.')),
    nestedSeparator: z
      ._default(z.string().check(z.minLength(1)), ':')
      .apply(described('What stands between the names of nested maps.')),
    multiValued: z
      ._default(z.boolean(), false)
      .apply(
        described('Whether a map at the top is one secret with several values; otherwise each value is a secret.'),
      ),
  })

export const fileSecrets: ComponentKind<'secrets'> = {
  api: 'secrets',
  type: 'file',
  features: ['secrets.get', 'secrets.bulk', 'secrets.multi-value', 'secrets.change-event'],
  options,
  async open(config, { name, logger, clock }) {
    const { path, nestedSeparator, multiValued } = config as z.output<ReturnType<typeof options>>
    const read = multiValued ? severalValues : singleValues
    const load = async () => {
      const text = await readText(path)
      return { value: read(parseTree(path, text), nestedSeparator), fingerprint: digestOf(text), watched: [path] }
    }
    const lacks = { 'secrets.multi-value': 'the component is not configured with multiValued: true' }
    return new WatchedFilesSecretsStore(name, new FileSource(load, logger, clock), multiValued ? undefined : lacks)
  },
}

function singleValues(tree: Tree, separator: string): SecretValues {
  return new Map(Array.from(flatten(tree, separator), ([name, value]) => [name, { [name]: value }]))
}

function severalValues(tree: Tree, separator: string): SecretValues {
  return new Map(
    Object.entries(tree).map(([name, value]) => {
      const isMap = typeof value === 'object' && value !== null
      return [name, Object.fromEntries(flatten(isMap ? value : { [name]: value }, separator))]
    }),
  )
}
