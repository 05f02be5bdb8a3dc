/** What the README shows and points to is there: its configurations load, its errors read so, its links lead somewhere. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { protocols } from '../../listeners/index.ts'
import { backendKinds } from '../../src/backends/index.ts'
import { EXIT_CODES_HELP } from '../../src/cli/exit-codes.ts'
import { componentKinds } from '../../src/components/index.ts'
import { ConfigError, loadConfig } from '../../src/config/index.ts'

const registry = { protocols, backendKinds, componentKinds }
const readme = readFileSync('README.md', 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'portolan-readme-'))
afterAll(() => rmSync(folder, { recursive: true }))

function write(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const blocks = (language: string) =>
  [...readme.matchAll(/^```(\w*)\n(.*?)^```$/gms)].flatMap(([, is, text]) => (is === language ? text! : []))

describe('the README', () => {
  it('shows two halves of a configuration that fit together', async () => {
    const [application, cloud] = blocks('yaml')
    const files = [write('application.yaml', application!), write('cloud.yaml', cloud!)]
    const { config, warnings } = await loadConfig(files, registry)
    expect(warnings).toEqual([])
    expect(config.listeners.map(({ backend }) => backend)).toEqual(['cache'])
    expect(config.backends.map(({ name }) => name)).toEqual(['cache'])
  })

  it('shows a configuration of the standardized APIs, and requirements that it meets', async () => {
    const [, , api, plugins, ...further] = blocks('yaml')
    const requires = further.find(block => block.startsWith('requires:'))
    const files = [write('api.yaml', api!), write('plugins.yaml', plugins!), write('requires.yaml', requires!)]
    const { config, warnings } = await loadConfig(files, registry)
    expect(warnings).toEqual([])
    expect(config.requires.map(({ name }) => name)).toEqual(['mutex', 'cache'])
  })

  it('shows components that can be configured so', async () => {
    const shown = blocks('yaml')
      .slice(4)
      .filter(block => !block.startsWith('requires:'))
    for (const [i, block] of shown.entries()) {
      // A part of a configuration: with a listener it is a whole one.
      const api = 'listeners: { api: { protocol: grpc, address: 127.0.0.1:50001 } }'
      const { config, warnings } = await loadConfig([write('api.yaml', api), write(`shown-${i}.yaml`, block)], registry)
      expect(warnings).toEqual([])
      expect(config.components.length).toBeGreaterThan(0)
    }
  })

  it('shows an error as it is reported', async () => {
    const shown = blocks('').find(text => text.startsWith('cloud.yaml:'))!
    const [, line] = shown.split('\n')
    const wrong = line!.replace(/^.*?\| /, '')
    const files = [
      write('application.yaml', blocks('yaml')[0]!),
      write('cloud.yaml', `backends:\n  cache:\n    protocol: redis\n${wrong}\n`),
    ]
    const error = await loadConfig(files, registry).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(ConfigError)
    expect((error as ConfigError).message.replaceAll(`${folder}/`, '')).toBe(shown.trimEnd())
  })

  it('links to files that are there, and to headings in them', () => {
    const links = [...readme.matchAll(/\]\(([^)#]*)(?:#([^)]+))?\)/g)]
    expect(links.length).toBeGreaterThan(5)
    for (const [, path, anchor] of links) {
      if (/^https?:/.test(path!)) continue
      const target = path || 'README.md'
      expect(existsSync(target), target).toBe(true)
      if (anchor) expect(readFileSync(target, 'utf8').toLowerCase()).toContain(`\n## ${anchor.replaceAll('-', ' ')}\n`)
    }
  })

  it('names files of the examples that are there', () => {
    const named = [...readme.matchAll(/examples\/[\w./-]*\w/g)].map(([path]) => path)
    expect(named.filter(path => !existsSync(path))).toEqual([])
  })

  it('lists the exit codes that the program lists', () => {
    const rows = (text: string, row: RegExp) => [...text.matchAll(row)].map(([, code]) => code)
    const listed = readme.slice(readme.indexOf('**Exit codes**'))
    expect(rows(listed.slice(0, listed.indexOf('\n## ')), /^\| (\d+|128\+n|else) \|/gm)).toEqual(
      rows(EXIT_CODES_HELP, /^ {2}(\S+)/gm),
    )
  })
})
