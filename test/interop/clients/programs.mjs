// The client programs: where each comes from, and how it is started. `prepare` installs what it needs into the cache
// and returns `{ command, args, env, versions }`; it throws Unavailable when this machine cannot have it.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { debianPackage, npmPackages, npmVersion, once, pipPackages, sh } from '../lib/cache.mjs'

const at = name => fileURLToPath(new URL(name, import.meta.url))

function node(script, name, dependencies, env = {}) {
  const main = Object.keys(dependencies)[0]
  return {
    name,
    prepare() {
      const modules = npmPackages(name, dependencies)
      return {
        command: process.execPath,
        args: [at(script)],
        env: { INTEROP_MODULES: modules, ...env },
        versions: `${main} ${npmVersion(modules, main)}`,
      }
    },
  }
}

function python(script, name, requirement, env = {}) {
  return {
    name,
    prepare() {
      const path = pipPackages(name, [requirement])
      const main = requirement.split(/[=<>~[]/)[0]
      const show = `import importlib.metadata as m; print(m.version('${main}'))`
      const versions = `${main} ${sh('python3', ['-c', show], { env: { ...process.env, PYTHONPATH: path } }).trim()}`
      return {
        command: 'python3',
        args: [at(script)],
        env: { PYTHONPATH: path, PYTHONUNBUFFERED: '1', ...env },
        versions,
      }
    },
  }
}

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

const goRedis = {
  name: 'go-redis',
  prepare() {
    const source = readFileSync(at('go-redis.go'), 'utf8')
    const dir = once('go-redis', source, work => {
      writeFileSync(join(work, 'main.go'), source)
      sh('go', ['mod', 'init', 'interop'], { cwd: work })
      sh('go', ['get', 'github.com/redis/go-redis/v9@v9'], { cwd: work })
      sh('go', ['build', '-o', 'program', '.'], { cwd: work })
    })
    const version = /go-redis\/v9 v(\S+)/.exec(readFileSync(join(dir, 'go.mod'), 'utf8'))?.[1]
    return { command: join(dir, 'program'), args: [], env: {}, versions: `go-redis ${version}` }
  },
}

const java = {
  name: 'java',
  prepare() {
    const versions = { 'io.lettuce:lettuce-core': '7.0.0.RELEASE', 'redis.clients:jedis': '6.2.0' }
    const dependency = ([name, version]) => {
      const [group, artifact] = name.split(':')
      return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`
    }
    const dir = once('java', versions, work => {
      const dependencies = Object.entries(versions).map(dependency).join('')
      const project =
        '<modelVersion>4.0.0</modelVersion><groupId>x</groupId><artifactId>x</artifactId><version>1</version>'
      writeFileSync(join(work, 'pom.xml'), `<project>${project}<dependencies>${dependencies}</dependencies></project>`)
      sh('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=jars'], { cwd: work })
    })
    return {
      command: 'java',
      args: ['-cp', join(dir, 'jars', '*'), at('Lettuce.java')],
      env: {},
      versions: Object.entries(versions)
        .map(([name, version]) => `${name.split(':')[1]} ${version}`)
        .join(', '),
    }
  },
}

const installed = (name, script) => ({
  name,
  prepare: () => ({ command: process.execPath, args: [at(script)], env: {}, versions: sh(name, ['--version']).trim() }),
})

export const programs = [
  node('ioredis.mjs', 'ioredis-5', { ioredis: '^5.8.0' }),
  node('ioredis.mjs', 'ioredis-6', { ioredis: '^6.0.0' }),
  node('node-redis.mjs', 'node-redis-5', { redis: '^5.8.0' }),
  node('node-redis.mjs', 'node-redis-6', { redis: '^6.0.0' }),
  python('redis_py.py', 'redis-py-5', 'redis>=5,<6'),
  python('redis_py.py', 'redis-py-8', 'redis>=8,<9'),
  installed('redis-cli', 'redis-cli.mjs'),
  installed('redis-benchmark', 'redis-benchmark.mjs'),
  hiredis,
  goRedis,
  java,
  node('bullmq.mjs', 'bullmq', { bullmq: '^5.0.0' }),
  python('celery_app.py', 'celery', 'celery[redis]>=5.5'),
]
