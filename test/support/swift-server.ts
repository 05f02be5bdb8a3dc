/**
 * OpenStack Swift with s3api and tempauth for tests: one node and one replica, on free loopback ports, with everything in a
 * temporary folder. Its own modules are run as they lie in python3-swift, without uwsgi, memcached and system services.
 */

import { mkdirSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../../scripts/ports.mjs'
import { type S3Store, ServerProcesses } from './server-processes.ts'

const PYTHON = '/usr/bin/python3'
/** The packaged servers know only /etc/swift/swift.conf. */
const LAUNCH = `import sys; from swift.common import utils
utils.set_swift_dir(sys.argv[2])
from swift.common.wsgi import run_wsgi
sys.exit(run_wsgi("%s/%s-server.conf" % (sys.argv[2], sys.argv[1]), sys.argv[1] + "-server", verbose=True))`
const RINGS = `import sys; from swift.common.ring import RingBuilder
for name, port in zip(("object", "container", "account"), sys.argv[2:]):
    ring = RingBuilder(4, 1, 0)
    ring.add_dev(dict(region=1, zone=1, ip="127.0.0.1", port=int(port), device="d1", weight=1))
    ring.rebalance(seed="interop")
    ring.get_ring().save("%s/%s.ring.gz" % (sys.argv[1], name))`
/** Swift keeps what belongs to an object in attributes of its file, of which S3 allows 2 KiB. */
const ATTRIBUTES = `import os, sys; os.setxattr(sys.argv[1], "user.swift", b"x" * 3500)`

const FILTERS = [
  'catch_errors',
  'gatekeeper',
  'healthcheck',
  'listing_formats',
  'bulk',
  'copy',
  'slo',
  'dlo',
  'symlink',
]
const PIPELINE =
  'catch_errors gatekeeper healthcheck proxy-logging cache listing_formats bulk s3api tempauth copy slo dlo ' +
  'versioned_writes symlink proxy-logging proxy-server'

export async function startSwift(): Promise<S3Store> {
  const servers = new ServerProcesses('swift')
  const [port = 0, object = 0, container = 0, account = 0] = await freePorts(4)
  const store = { port, accessKey: 'test:tester', secretKey: 'testing', stop: () => servers.stop() }
  try {
    const { dir } = servers
    mkdirSync(join(dir, 'data', 'd1'), { recursive: true })
    await servers.run(PYTHON, '-c', ATTRIBUTES, servers.write('attributes', ''))
    servers.write(
      'swift.conf',
      '[swift-hash]\nswift_hash_path_suffix = interop\n[storage-policy:0]\nname = one\ndefault = yes\n',
    )
    await servers.run(PYTHON, '-c', RINGS, dir, ...[object, container, account].map(String))
    for (const [name, at] of Object.entries({ account, container, object })) {
      // Listings are then up to date when a write is answered.
      const more = name === 'object' ? 'container_update_timeout = 10\n' : ''
      servers.write(`${name}-server.conf`, settings(dir, name, at, `${name}-server`) + more)
    }
    servers.write('proxy-server.conf', settings(dir, 'proxy', port, PIPELINE) + proxySettings())
    for (const name of ['account', 'container', 'object', 'proxy']) servers.launch(PYTHON, '-c', LAUNCH, name, dir)
    await servers.answers(port, '')
    return store
  } catch (error) {
    await servers.stop()
    throw error
  }
}

function settings(dir: string, name: string, port: number, pipeline: string): string {
  return `[DEFAULT]
swift_dir = ${dir}
devices = ${dir}/data
mount_check = false
fallocate_reserve = 0
disable_fallocate = true
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = ${userInfo().username}
log_address = ${dir}/no-syslog
log_level = WARNING
recon_cache_path = ${dir}
[pipeline:main]
pipeline = ${pipeline}
[app:${name}-server]
use = egg:swift#${name}
`
}

/** tempauth insists on a cache, S3 needs none: there is no memcached at that address, and every look-up is a quiet miss. */
function proxySettings(): string {
  const filters = FILTERS.map(name => `[filter:${name}]\nuse = egg:swift#${name}\n`).join('')
  return `account_autocreate = true
${filters}[filter:proxy-logging]
use = egg:swift#proxy_logging
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
set log_name = cache
set log_level = CRITICAL
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_object_versioning = true
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
storage_domain = s3.localhost
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
`
}
