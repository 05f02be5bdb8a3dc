/** Configuration from a ConfigMap as Kubernetes mounts it: a file for each key. */
import { join } from 'node:path'
import * as z from 'zod/mini'
import type { ComponentKind } from '../../component.ts'
import { described } from '../../config/index.ts'
import { FileSource, readMount } from '../clients/files/index.ts'
import { type Items, versionOf, WatchedFilesConfigurationStore } from './watched-files.ts'

const options = () =>
  z.strictObject({
    path: z.string().check(z.minLength(1)).apply(described('The directory where the ConfigMap is mounted.')),
  })

export const kubernetesConfiguration: ComponentKind<'configuration'> = {
  api: 'configuration',
  type: 'kubernetes',
  features: [
    'configuration.get',
    'configuration.list',
    'configuration.prefix',
    'configuration.subscribe',
    'configuration.delete-event',
  ],
  options,
  async open(config, { name, logger, clock }) {
    const { path } = config as z.output<ReturnType<typeof options>>
    const load = async () => {
      const { files } = await readMount(path)
      return {
        value: files as Items,
        fingerprint: versionOf(JSON.stringify([...files])),
        watched: [join(path, '..data')],
      }
    }
    return new WatchedFilesConfigurationStore(name, new FileSource(load, logger, clock), undefined)
  },
}
