// How client programs are had: each recipe makes a program whose `prepare` installs what it needs into the cache and
// returns `{ command, args, env, versions }`, or throws Unavailable when this machine cannot have it.
import { readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { npmPackages, npmVersion, once, pipPackages, sh } from '../lib/cache.mjs'

/** A Node program `script` (a path) with packages of npm, the first of which is the one that it is about. */
export function node(script, name, dependencies, env = {}) {
  const main = Object.keys(dependencies)[0]
  return {
    name,
    prepare() {
      const modules = npmPackages(name, dependencies)
      return {
        command: process.execPath,
        args: [script],
        env: { INTEROP_MODULES: modules, ...env },
        versions: `${main} ${npmVersion(modules, main)}`,
      }
    },
  }
}

/** A Python program with packages of PyPI, the first of which is the one that it is about. */
export function python(script, name, requirements, env = {}, interpreter = 'python3') {
  return {
    name,
    prepare() {
      const path = pipPackages(name, requirements, interpreter)
      const main = requirements[0].split(/[=<>~[]/)[0]
      const show = `import importlib.metadata as m; print(m.version('${main}'))`
      const versions = `${main} ${sh(interpreter, ['-c', show], { env: { ...process.env, PYTHONPATH: path } }).trim()}`
      return {
        command: interpreter,
        args: [script],
        env: { PYTHONPATH: path, PYTHONUNBUFFERED: '1', ...env },
        versions,
      }
    },
  }
}

/** A Python program with a module of Debian, which its own Python has. */
export function debianPython(script, name, module, env = {}) {
  return {
    name,
    prepare() {
      const show = `import ${module} as m; print(m.__version__)`
      return {
        command: DEBIAN_PYTHON,
        args: [script],
        env: { PYTHONUNBUFFERED: '1', ...env },
        versions: `${name} ${sh(DEBIAN_PYTHON, ['-c', show]).trim()}`,
      }
    },
  }
}

export const DEBIAN_PYTHON = '/usr/bin/python3'

/** A Go program of one file with one module of the proxy. */
export function go(script, name, module) {
  return {
    name,
    prepare() {
      const source = readFileSync(script, 'utf8')
      const dir = once(name, source, work => {
        writeFileSync(join(work, 'main.go'), source)
        sh('go', ['mod', 'init', 'interop'], { cwd: work })
        sh('go', ['get', module], { cwd: work })
        // What the program imports of the module's own dependencies.
        sh('go', ['get', '.'], { cwd: work })
        sh('go', ['build', '-o', 'program', '.'], { cwd: work })
      })
      const versions = `${basename(script, '.go')} ${moduleVersion(dir, module)}`
      return { command: join(dir, 'program'), args: [], env: {}, versions }
    },
  }
}

/** The tests of a Go module's main package, which `script` runs: it is given the path of the program that they are built into. */
export function goTests(script, name, module) {
  return {
    name,
    prepare() {
      const dir = once(name, module, work => {
        sh('go', ['mod', 'init', 'interop'], { cwd: work })
        sh('go', ['get', '-t', module], { cwd: work })
        sh('go', ['test', '-c', '-o', 'tests', module.split('@')[0]], { cwd: work })
      })
      return {
        command: process.execPath,
        args: [script, join(dir, 'tests')],
        env: {},
        versions: `${name} ${moduleVersion(dir, module)}`,
      }
    },
  }
}

/** The version that `go get` chose. */
function moduleVersion(dir, module) {
  return new RegExp(`${module.split('@')[0]} v(\\S+)`).exec(readFileSync(join(dir, 'go.mod'), 'utf8'))?.[1]
}

/** A Java program of one file with artifacts of Maven: `{ 'group:artifact': version }`. */
export function java(script, name, versions, args = []) {
  return {
    name,
    prepare() {
      const dependency = ([artifact, version]) => {
        const [group, id] = artifact.split(':')
        return `<dependency><groupId>${group}</groupId><artifactId>${id}</artifactId><version>${version}</version></dependency>`
      }
      const dir = once(name, versions, work => {
        const dependencies = Object.entries(versions).map(dependency).join('')
        const project =
          '<modelVersion>4.0.0</modelVersion><groupId>x</groupId><artifactId>x</artifactId><version>1</version>'
        writeFileSync(
          join(work, 'pom.xml'),
          `<project>${project}<dependencies>${dependencies}</dependencies></project>`,
        )
        sh('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=jars'], { cwd: work })
      })
      return {
        command: 'java',
        args: ['-cp', join(dir, 'jars', '*'), script, ...args],
        env: {},
        versions: Object.entries(versions)
          .map(([artifact, version]) => `${artifact.split(':')[1]} ${version}`)
          .join(', '),
      }
    },
  }
}

/** A program for an interpreter of the system; `version` are the arguments that have it tell what it has. */
export function script(path, name, interpreter, version, env = {}) {
  return {
    name,
    prepare() {
      const [command, ...args] = [interpreter].flat()
      return { command, args: [...args, path], env, versions: sh(command, version).trim() }
    },
  }
}

/** A Node program about a program of the system, which tells its version when it is given `version`. */
export function installed(script, name, program = name, env = {}, version = ['--version']) {
  return {
    name,
    prepare: () => ({
      command: process.execPath,
      args: [script],
      env,
      versions: sh(program, version).trim(),
    }),
  }
}
