/** Before Apache Dubbo itself; the folder of a compiled provider is named by the environment (test/interop/dubbo). */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe } from 'vitest'
import { freePorts } from '../../../scripts/ports.mjs'
import { dubboInvoke } from '../../../src/components/invoke/dubbo.ts'
import { invokeConformance } from '../../conformance/invoke.ts'
import { openStore } from '../open.ts'

const folder = process.env['PORTOLAN_TEST_DUBBO']

/** What Dubbo 2.7 needs on newer Javas. */
const OPENS = ['lang', 'math', 'util'].flatMap(name => ['--add-opens', `java.base/java.${name}=ALL-UNNAMED`])

class Provider {
  readonly #port: number
  #process: ChildProcess | undefined

  constructor(port: number) {
    this.#port = port
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`
  }

  readonly start = async (): Promise<void> => {
    const args = ['-Xmx128m', ...OPENS, '-cp', 'classes:lib/*', 'demo.Provider', String(this.#port)]
    const child = spawn('java', args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
    this.#process = child
    let said = ''
    for await (const text of child.stdout) {
      said += text
      if (said.includes('ready')) return void child.stdout.resume()
    }
    throw new Error(`the provider has not started: ${said}`)
  }

  readonly stop = async (): Promise<void> => {
    const child = this.#process
    this.#process = undefined
    if (!child || child.exitCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    await exited
  }
}

describe.skipIf(!folder)('Apache Dubbo', { timeout: 120_000 }, () => {
  let provider: Provider

  beforeAll(async () => {
    const [port] = await freePorts(1)
    provider = new Provider(port!)
    await provider.start()
  }, 120_000)
  afterAll(() => provider?.stop(), 60_000)

  invokeConformance({
    features: dubboInvoke.features.filter(feature => !['invoke.discovery', 'invoke.balancing'].includes(feature)),
    service: 'demo.Greeter',
    patienceMs: 60_000,
    open: () => openStore(dubboInvoke, { providers: [provider.address] }),
    restart: { stop: () => provider.stop(), start: () => provider.start() },
  })
})
