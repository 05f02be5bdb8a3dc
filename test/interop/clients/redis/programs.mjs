// The programs on clients of Redis.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { debianPackage, sh } from '../../lib/cache.mjs'
import { go, installed, java, node, python } from '../recipes.mjs'

const at = name => fileURLToPath(new URL(name, import.meta.url))

/** A C program, compiled against the headers and the static library of a Debian package that need not be installed. */
const hiredis = {
  name: 'hiredis',
  prepare() {
    const dir = debianPackage('libhiredis-dev', 'bookworm')
    const program = join(dir, 'program')
    const archive = join(dir, 'usr', 'lib', sh('gcc', ['-print-multiarch']).trim(), 'libhiredis.a')
    sh('gcc', ['-O1', '-o', program, at('hiredis.c'), `-I${join(dir, 'usr', 'include')}`, archive])
    return { command: program, args: [], env: {}, versions: `libhiredis ${readFileSync(join(dir, 'version'), 'utf8')}` }
  },
}

export const redisPrograms = [
  node(at('ioredis.mjs'), 'ioredis-5', { ioredis: '^5.8.0' }),
  node(at('ioredis.mjs'), 'ioredis-6', { ioredis: '^6.0.0' }),
  node(at('node-redis.mjs'), 'node-redis-5', { redis: '^5.8.0' }),
  node(at('node-redis.mjs'), 'node-redis-6', { redis: '^6.0.0' }),
  python(at('redis_py.py'), 'redis-py-5', ['redis>=5,<6']),
  python(at('redis_py.py'), 'redis-py-8', ['redis>=8,<9']),
  installed(at('redis-cli.mjs'), 'redis-cli'),
  installed(at('redis-benchmark.mjs'), 'redis-benchmark'),
  hiredis,
  go(at('go-redis.go'), 'go-redis', 'github.com/redis/go-redis/v9@v9'),
  java(at('Lettuce.java'), 'java', { 'io.lettuce:lettuce-core': '7.0.0.RELEASE', 'redis.clients:jedis': '6.2.0' }),
  node(at('bullmq.mjs'), 'bullmq', { bullmq: '^5.0.0' }),
  python(at('celery_app.py'), 'celery', ['celery[redis]>=5.5']),
]
