/**
 * Secrets as Kubernetes mounts them: each file of the directory is a secret of one value, each folder below it a secret
 * of several values, such as a Secret that is mounted there.
 */
import { join } from 'node:path'
import * as z from 'zod/mini'
import type { ComponentKind } from '../../component.ts'
import { described } from '../../config/index.ts'
import { FileSource, readMount } from '../clients/files/index.ts'
import { digestOf, WatchedFilesSecretsStore } from './watched-files.ts'

const options = () =>
  z.strictObject({
    path: z
      .string()
      .check(z.minLength(1))
      .apply(described('The directory where a Secret is mounted, or several in folders.')),
  })

export const kubernetesSecrets: ComponentKind<'secrets'> = {
  api: 'secrets',
  type: 'kubernetes',
  features: ['secrets.get', 'secrets.bulk', 'secrets.multi-value', 'secrets.change-event'],
  options,
  async open(config, { name, logger, clock }) {
    const { path } = config as z.output<ReturnType<typeof options>>
    const load = async () => {
      const { secrets, folders } = await readSecrets(path)
      const watched = [path, ...folders].map(folder => join(folder, '..data'))
      return { value: secrets, fingerprint: digestOf(JSON.stringify([...secrets])), watched }
    }
    return new WatchedFilesSecretsStore(name, new FileSource(load, logger, clock))
  },
}

async function readSecrets(path: string) {
  const { files, folders } = await readMount(path)
  const secrets = new Map(Array.from(files, ([name, value]) => [name, { [name]: value } as Record<string, string>]))
  for (const name of folders) {
    const { files: values } = await readMount(join(path, name))
    if (values.size > 0) secrets.set(name, Object.fromEntries(values))
  }
  return { secrets, folders: folders.map(name => join(path, name)) }
}
