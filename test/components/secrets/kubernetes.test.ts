import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { kubernetesSecrets } from '../../../src/components/secrets/kubernetes.ts'
import { secretsConformance } from '../../conformance/secrets.ts'
import { KubernetesMount } from '../../support/kubernetes-mount.ts'
import { openStore } from '../open.ts'

const mount = new KubernetesMount()
afterAll(() => mount.remove())
/** Secrets of several values, each mounted in a folder of its own. */
const folders = new Map<string, KubernetesMount>()

secretsConformance({
  features: kubernetesSecrets.features,
  open: () => openStore(kubernetesSecrets, { path: mount.path }),
  oddNames: ['.dots.', '_under-Score'],
  restart: {
    stop: async () => renameSync(mount.path, `${mount.path}.away`),
    start: async () => renameSync(`${mount.path}.away`, mount.path),
  },
  async put(name, values) {
    folders.get(name)?.remove()
    folders.delete(name)
    const isSingle = values && Object.keys(values).join() === name
    if (!values || isSingle) return mount.put({ [name]: values?.[name] })
    const folder = new KubernetesMount(join(mount.path, name))
    folder.put(values)
    folders.set(name, folder)
  },
})
