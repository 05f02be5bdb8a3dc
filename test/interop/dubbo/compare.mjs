// The conformance suite of invoke before Apache Dubbo itself: its jars from Maven, a provider of ours compiled against them.
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { once, sh } from '../lib/cache.mjs'
import { runLive } from '../lib/live.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const SOURCES = readdirSync(join(here, 'demo')).map(name => join('demo', name))

/** Throws Unavailable where Java, Maven or the jars cannot be had. */
function provider() {
  const recipe = ['pom.xml', ...SOURCES].map(name => readFileSync(join(here, name), 'utf8'))
  return once('dubbo-provider', recipe, work => {
    for (const name of ['pom.xml', 'demo']) cpSync(join(here, name), join(work, name), { recursive: true })
    sh('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=lib'], { cwd: work })
    sh('javac', ['-nowarn', '-cp', 'lib/*', '-d', 'classes', ...SOURCES], { cwd: work })
  })
}

/** Runs it and returns the cases that failed. */
export async function compareDubbo({ print }) {
  const file = 'test/components/invoke/dubbo-live.test.ts'
  const env = { PORTOLAN_TEST_DUBBO: provider() }
  return runLive({ title: 'invoke before Apache Dubbo', file, env, print })
}
