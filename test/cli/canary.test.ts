/** Secrets as canaries: a backend lets its password out wherever it can, and none of it may leave the process. */
import { chmodSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Program } from './process.ts'

const program = new Program()
beforeAll(() => program.build())
afterAll(() => program.close())

const CANARY = { env: 'canary-env-"q&/', file: 'canary-file', command: 'canary-command', token: 'canary-token' }

function secretFile(name: keyof typeof CANARY): string {
  const path = program.write(`${name}.secret`, `${CANARY[name]}\n`)
  chmodSync(path, 0o600)
  return path
}

const config = (label: string, format: string) => `
listeners: { a: { protocol: echo, address: 127.0.0.1:0, backend: env } }
admin: { address: 127.0.0.1:0, token: { env: SECRET_TOKEN } }
log: { format: ${format}, level: debug }
backends:
  env: { protocol: echo, label: ${label}, password: { env: SECRET_ENV } }
  file: { protocol: echo, label: ${label}, password: { file: ${secretFile('file')} } }
  command: { protocol: echo, label: ${label}, password: { command: [cat, ${secretFile('command')}] } }
`

test.each(['json', 'text'])('no secret leaves by logs (%s), pages, metrics or reports', async format => {
  const path = program.write('canary.yaml', config('first', format))
  const running = program.start(['run', '-c', path], { SECRET_ENV: CANARY.env, SECRET_TOKEN: CANARY.token })
  const admin = await running.match(/(?<=admin listening address=|"address":")[\d.:]+(?=\n|","msg":"admin listening")/)

  const pages = ['/metrics', '/config', '/backends', '/listeners', '/readyz?backends'].map(async page => {
    return (await fetch(`http://${admin}${page}`)).text()
  })
  const texts = await Promise.all(pages)
  program.write('canary.yaml', config('second', format))
  const headers = { authorization: `Bearer ${CANARY.token}` }
  const report = await fetch(`http://${admin}/reload`, { method: 'POST', headers })
  expect(report.status).toBe(200)
  texts.push(await report.text())
  program.write('canary.yaml', `listeners: { a: { token: ${CANARY.token} } }\n`)
  const refused = await fetch(`http://${admin}/reload`, { method: 'POST', headers })
  expect(refused.status).toBe(422)
  texts.push(await refused.text())
  running.child.kill('SIGTERM')
  expect(await running.code).toBe(0)

  const [metrics, configuration, backends] = texts
  for (const text of [...texts, running.stdout, running.stderr]) {
    for (const canary of [...Object.values(CANARY), 'canary-env-']) expect(text).not.toContain(canary)
  }
  // It did try, through each of the doors.
  expect(metrics).toContain('portolan_upstream_up{backend="one [redacted]"} 1')
  expect(configuration).toContain('SECRET_ENV')
  expect(backends).toContain('server said: [redacted]')
  expect(running.stdout).toContain('tried [redacted]')
  expect(running.stdout).toContain('no entry with [redacted]')
})
