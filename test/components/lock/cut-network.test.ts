/** A holder whose network is cut: its lock goes to another, with a greater token, and it learns that it has lost it. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, expect, test } from 'vitest'
import type { ComponentKind } from '../../../src/component.ts'
import { etcdLock } from '../../../src/components/lock/etcd.ts'
import { natsLock } from '../../../src/components/lock/nats.ts'
import { zookeeperLock } from '../../../src/components/lock/zookeeper.ts'
import { startEtcd } from '../../support/etcd-server.ts'
import { startNats } from '../../support/nats-server.ts'
import { NetworkNamespace } from '../../support/network-namespace.ts'
import { buildProgram } from '../../support/program.ts'
import { startZooKeeper } from '../../support/zookeeper-server.ts'
import { temporaryDirectory } from '../embedded-directory.ts'
import { openStore } from '../open.ts'

/** Holds a lock, renews it for ever, and tells what came of each time where that is something new. */
const HOLDER = `
  import { etcdLock } from './src/components/lock/etcd.ts'
  import { natsLock } from './src/components/lock/nats.ts'
  import { zookeeperLock } from './src/components/lock/zookeeper.ts'
  import { openStore } from './test/components/open.ts'
  async function main() {
    const { type, written, request } = JSON.parse(process.env['HOLDER'])
    const store = await openStore({ etcd: etcdLock, nats: natsLock, zookeeper: zookeeperLock }[type], written)
    const { token } = await store.tryLock(request)
    console.log(String(token))
    for (let last; ; ) {
      const outcome = await store.renew(request).catch(({ code }) => code)
      if (outcome !== last) console.log((last = outcome))
      await new Promise(resolve => setTimeout(resolve, 100))
    }
  }
  main()
`

const namespace = NetworkNamespace.create()
afterAll(() => namespace?.remove())
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const STORES = [
  { kind: etcdLock, start: startEtcd, where: (address: string) => ({ endpoints: [address] }) },
  { kind: natsLock, start: startNats, where: (address: string) => ({ servers: [address] }) },
  { kind: zookeeperLock, start: startZooKeeper, where: (address: string) => ({ endpoints: [address] }) },
] as const

test.skipIf(!namespace).each(STORES.map(store => [store.kind.type, store] as const))(
  'of %s',
  async (type, { kind, start, where }) => {
    const server = await start()
    cleanups.push(() => server.stop())
    const outside = await namespace!.lead(Number(server.address.split(':')[1]))
    const request = { resource: 'r', owner: 'holder', leaseMs: 2_000 }
    const [program, ...args] = namespace!.prefix
    const holder = spawn(program, [...args, process.execPath, await buildProgram(temporaryDirectory(), HOLDER)], {
      env: { ...process.env, HOLDER: JSON.stringify({ type, written: where(outside), request }) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    cleanups.push(() => holder.kill('SIGKILL'))
    const words = createInterface(holder.stdout)[Symbol.asyncIterator]()
    const word = async (): Promise<string> => (await words.next()).value

    const token = BigInt(await word())
    expect(await word()).toBe('renewed')
    const other = await openStore<'lock'>(kind as ComponentKind<'lock'>, where(server.address))
    cleanups.push(() => other.close())
    const theirs = { ...request, owner: 'other', leaseMs: 60_000 }
    expect(await other.tryLock(theirs)).toBeUndefined()
    namespace!.cut()
    let grant: Awaited<ReturnType<typeof other.tryLock>>
    while (!(grant = await other.tryLock(theirs))) await other.whenFree!('r', AbortSignal.timeout(5_000))
    expect(grant.token).toBeGreaterThan(token)
    expect(['unavailable', 'unknown']).toContain(await word())
    namespace!.mend()
    // Between these it may be away in both ways.
    let last = await word()
    while (last === 'unavailable' || last === 'unknown') last = await word()
    expect(last).toBe('others')
  },
  60_000,
)
