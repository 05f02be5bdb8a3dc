/**
 * Ceph's RADOS gateway for tests: one monitor, one OSD that keeps its objects in memory, one gateway; no manager and no
 * cephx, on free loopback ports, with everything in a temporary folder. It takes any region in a signature.
 */

import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from '../../scripts/ports.mjs'
import { type S3Store, ServerProcesses } from './server-processes.ts'

/** An account beside the one that the store is returned with. */
export interface RadosUser {
  readonly uid: string
  readonly tenant?: string
  readonly displayName: string
  readonly email: string
  readonly accessKey: string
  readonly secretKey: string
}

export async function startRadosGateway(users: readonly RadosUser[] = []): Promise<S3Store> {
  const servers = new ServerProcesses('radosgw')
  const [port = 0, v2 = 0, v1 = 0, osd = 0] = await freePorts(4)
  const store = { port, accessKey: 'testkey', secretKey: 'testsecret', stop: () => servers.stop() }
  try {
    const { dir } = servers
    for (const name of ['mon', 'osd', 'run', 'log']) mkdirSync(join(dir, name))
    const [fsid, osdId] = [randomUUID(), randomUUID()]
    servers.write('keyring', '')
    const conf = ['-c', servers.write('ceph.conf', settings(dir, fsid, { port, v1, v2, osd }))]
    const map = join(dir, 'monmap')
    const monitor = `[v2:127.0.0.1:${v2},v1:127.0.0.1:${v1}]`
    await servers.run('monmaptool', '--create', '--clobber', '--fsid', fsid, '--addv', 'a', monitor, map)
    await servers.run('ceph-mon', ...conf, '-i', 'a', '--mkfs', '--monmap', map)
    servers.launch('ceph-mon', '-i', 'a', '-f', ...conf)
    await servers.run('ceph', ...conf, 'osd', 'new', osdId, '0')
    await servers.run('ceph', ...conf, 'osd', 'crush', 'add', 'osd.0', '1', 'root=default')
    await servers.run('ceph-osd', ...conf, '-i', '0', '--mkfs', '--osd-uuid', osdId)
    servers.launch('ceph-osd', '-i', '0', '-f', ...conf)
    const keys = [`--access-key=${store.accessKey}`, `--secret-key=${store.secretKey}`]
    const createUser = ['radosgw-admin', ...conf, 'user', 'create'] as const
    await servers.run(...createUser, '--uid=tester', '--display-name=tester', ...keys)
    for (const { uid, tenant, displayName, email, accessKey, secretKey } of users) {
      const who = [`--uid=${uid}`, `--display-name=${displayName}`, `--email=${email}`]
      if (tenant !== undefined) who.push(`--tenant=${tenant}`)
      await servers.run(...createUser, ...who, `--access-key=${accessKey}`, `--secret-key=${secretKey}`)
    }
    servers.launch('radosgw', '-n', 'client.rgw', '-f', ...conf)
    await servers.answers(port, join(dir, 'log', 'client.log'))
    return store
  } catch (error) {
    await servers.stop()
    throw error
  }
}

function settings(dir: string, fsid: string, ports: Readonly<Record<'port' | 'v1' | 'v2' | 'osd', number>>): string {
  return `[global]
fsid = ${fsid}
mon host = [v2:127.0.0.1:${ports.v2},v1:127.0.0.1:${ports.v1}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind port min = ${Math.min(ports.osd, 65_400)}
ms bind port max = ${Math.min(ports.osd, 65_400) + 100}
auth cluster required = none
auth service required = none
auth client required = none
# The default, secure, needs cephx.
ms mon client mode = crc
paxos propose interval = 0.02
paxos min wait = 0.01
keyring = ${dir}/keyring
run dir = ${dir}/run
admin socket =
crash dir = ${dir}/log
log file = ${dir}/log/$type.log
mon cluster log file = ${dir}/log/cluster.log
mon data = ${dir}/mon
mon data avail crit = 0
mon allow pool size one = true
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd crush update on start = false
osd data = ${dir}/osd
osd objectstore = memstore
memstore device bytes = 8589934592
osd class load list = *
osd class default list = *
rgw frontends = beast endpoint=127.0.0.1:${ports.port}
rgw dns name = s3.localhost
rgw rados pool pg num min = 4
rgw thread pool size = 64
rgw crypt require ssl = false
`
}
