import { renameSync } from 'node:fs'
import { afterAll, expect, test } from 'vitest'
import { kubernetesConfiguration } from '../../../src/components/configuration/kubernetes.ts'
import { configurationConformance } from '../../conformance/configuration.ts'
import { ofPrefix, valuesOf } from '../../conformance/configuration-bench.ts'
import { KubernetesMount } from '../../support/kubernetes-mount.ts'
import { openStore } from '../open.ts'

const mount = new KubernetesMount()
afterAll(() => mount.remove())
const open = () => openStore(kubernetesConfiguration, { path: mount.path })

configurationConformance({
  features: kubernetesConfiguration.features,
  open,
  restart: {
    stop: async () => renameSync(mount.path, `${mount.path}.away`),
    start: async () => renameSync(`${mount.path}.away`, mount.path),
  },
  // What Kubernetes allows as a key.
  oddKeys: ['.dots.', '_under-Score', `long-${'x'.repeat(100)}`],
  seed: async changes => mount.put(Object.fromEntries(changes.map(({ key, value }) => [key, value]))),
})

test('what is read is of one state, however often it is swapped meanwhile', async () => {
  const store = await open()
  const keys = Array.from({ length: 20 }, (_, i) => `state-${i}`)
  const swap = (i: number) => mount.put(Object.fromEntries(keys.map(key => [key, String(i)])))
  swap(0)
  let swaps = 0
  const timer = setInterval(() => swap(++swaps), 3)
  for (let i = 0; i < 40; i++) {
    const values = await valuesOf(store, ofPrefix('state-')).catch(() => undefined)
    if (values) expect(new Set(Object.values(values)).size).toBe(1)
  }
  clearInterval(timer)
  expect(await valuesOf(store, ofPrefix('state-'))).toEqual(Object.fromEntries(keys.map(key => [key, String(swaps)])))
  await store.close()
})
