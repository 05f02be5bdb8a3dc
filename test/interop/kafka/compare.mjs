// The conformance suite of pub/sub before Apache Kafka itself, and what is particular to it: its jars from Maven.
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { once, sh } from '../lib/cache.mjs'
import { runLive } from '../lib/live.mjs'

const pom = fileURLToPath(new URL('pom.xml', import.meta.url))

/** Throws Unavailable where Java, Maven or the jars cannot be had. */
function jars() {
  const broker = once('kafka-broker', [readFileSync(pom, 'utf8')], work => {
    cpSync(pom, join(work, 'pom.xml'))
    sh('java', ['-version'], { cwd: work })
    sh('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=lib'], { cwd: work })
  })
  return join(broker, 'lib')
}

/** Runs it and returns the cases that failed. */
export async function compareKafka({ print }) {
  const file = 'test/components/pubsub/kafka-live.test.ts'
  return runLive({ title: 'pub/sub before Apache Kafka', file, env: { PORTOLAN_TEST_KAFKA: jars() }, print })
}
