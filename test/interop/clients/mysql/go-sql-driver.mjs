// The tests of Go's driver, which the module carries, as one program: each of its tests is a case.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { account } from './address.mjs'

const [program] = process.argv.slice(2)
const env = {
  ...process.env,
  MYSQL_TEST_ADDR: `${account.host}:${account.port}`,
  MYSQL_TEST_USER: account.user,
  MYSQL_TEST_PASS: account.password,
  MYSQL_TEST_DBNAME: account.database,
  // Tests with several connections, which it leaves out by default.
  MYSQL_TEST_CONCURRENT: '1',
}
/** Dials an address of the internet's. */
const never = '-test.skip=^TestConnectorReturnsTimeout$'
const only = process.env.INTEROP_CASE ? [`-test.run=^${process.env.INTEROP_CASE}$`] : []
const child = spawn(program, ['-test.v', never, ...only], { env, stdio: ['ignore', 'pipe', 'inherit'] })

/** What each test has said; those that it consists of have their verdicts after its own. */
const said = {}
let speaker = ''
for await (const line of createInterface({ input: child.stdout })) {
  const [, verdict, name] = /^ *--- (PASS|FAIL): (\S+)/.exec(line) ?? []
  const [, next] = /^=== (?:RUN|NAME|CONT|PAUSE) +(\S+)/.exec(line) ?? []
  if (verdict === 'PASS') console.log(`ok ${name}`)
  else if (verdict === 'FAIL') console.log(`FAIL ${name}\t${said[name] ?? 'one that it consists of fails'}`)
  else if (next !== undefined) speaker = next
  else {
    said[speaker] = `${said[speaker] ?? ''} ${line.trim()}`.slice(0, 1_500)
    console.log(line)
  }
}
