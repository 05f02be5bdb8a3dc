import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { EchoClient } from '../app/echo.ts'
import { Program } from './process.ts'

const program = new Program()
beforeAll(() => program.build())
afterAll(() => program.close())

const LISTENER = 'listeners: { a: { protocol: echo, address: 127.0.0.1:0, backend: one } }\nadmin: { address: false }\n'
const backend = (label: string) => `backends: { one: { protocol: echo, label: ${label} } }\n`
const app = () => program.write('app.yaml', LISTENER)
const cloud = (label: string) => program.write('cloud.yaml', backend(label))

describe('signals', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('%s drains and ends with 0', async signal => {
    const running = program.start(['run', '-c', app(), '-c', cloud('first')])
    const client = await EchoClient.connect(await running.address('a'))
    expect(await client.ask('x')).toBe('first:x')
    running.child.kill(signal)
    expect(await client.answer()).toBeUndefined()
    expect(await running.code).toBe(0)
    expect(running.lines('stopped')).toHaveLength(1)
    expect(running.stderr).toBe('')
  })

  test('a second signal ends it at once', async () => {
    const running = program.start(['run', '-c', app(), '-c', cloud('first')])
    const client = await EchoClient.connect(await running.address('a'))
    client.send('wait')
    expect(await client.ask('x')).toBe('first:x')
    running.child.kill('SIGTERM')
    await running.line('draining')
    running.child.kill('SIGINT')
    expect(await running.code).toBe(130)
  })

  test('SIGTERM is not lost, however early it comes', async () => {
    // Comes as soon as anybody would take it, long before the program is loaded.
    const preload = program.write(
      'early-signal.cjs',
      `const { once } = process
       process.once = (name, listener) => {
         const result = once.call(process, name, listener)
         if (name === 'SIGTERM') process.kill(process.pid, name)
         return result
       }`,
    )
    const env = { NODE_OPTIONS: `--require ${preload}` }
    const running = program.start(['run', '-c', app(), '-c', cloud('first')], env)
    expect(await running.code).toBe(0)
    expect(running.stderr + running.stdout).toContain('stopped')
    const check = program.start(['check', '-c', app(), '-c', cloud('first')], env)
    expect(await check.code).toBe(143)
  })

  test('SIGHUP reloads; a bad file changes nothing and says why', async () => {
    const running = program.start(['run', '-c', app(), '-c', cloud('first')])
    const client = await EchoClient.connect(await running.address('a'))
    cloud('second')
    running.child.kill('SIGHUP')
    await running.line('reload applied')
    expect(await client.ask('x')).toBe('second:x')

    program.write('cloud.yaml', 'backends: { one: { protocol: echo, lable: third } }\n')
    running.child.kill('SIGHUP')
    await running.line('reload refused; the configuration in service is unchanged')
    expect(running.stdout).toContain('did you mean \\"label\\"?')
    expect(await client.ask('x')).toBe('second:x')
    running.child.kill('SIGTERM')
    expect(await running.code).toBe(0)
  })
})

describe('--watch', () => {
  test('sees every swap of a ConfigMap', async () => {
    const mount = join(program.folder, 'mount')
    const release = (version: string, label: string) => {
      mkdirSync(join(mount, version), { recursive: true })
      writeFileSync(join(mount, version, 'cloud.yaml'), backend(label))
      symlinkSync(version, join(mount, '..data_tmp'))
      renameSync(join(mount, '..data_tmp'), join(mount, '..data'))
    }
    release('..1', 'first')
    symlinkSync('..data/cloud.yaml', join(mount, 'cloud.yaml'))
    const running = program.start(['run', '--watch', '-c', app(), '-c', join(mount, 'cloud.yaml')])
    const client = await EchoClient.connect(await running.address('a'))
    for (const [i, label] of ['second', 'third', 'fourth'].entries()) {
      release(`..${i + 2}`, label)
      await running.line('reload applied', i + 1)
      expect(await client.ask('x')).toBe(`${label}:x`)
    }
    // The same content again is no change.
    release('..9', 'fourth')
    release('..10', 'fifth')
    await running.line('reload applied', 4)
    expect(running.lines('the configuration files have changed')).toHaveLength(4)
    running.child.kill('SIGTERM')
    expect(await running.code).toBe(0)
  })

  test('sees a file that an editor replaces, and one behind a link', async () => {
    const folder = join(program.folder, 'linked')
    mkdirSync(folder)
    const real = join(folder, 'real.yaml')
    const link = join(program.folder, 'link.yaml')
    writeFileSync(real, backend('first'))
    symlinkSync(real, link)
    const running = program.start(['run', '--watch', '-c', app(), '-c', link])
    const client = await EchoClient.connect(await running.address('a'))
    writeFileSync(`${real}~`, backend('second'))
    renameSync(`${real}~`, real)
    await running.line('reload applied')
    expect(await client.ask('x')).toBe('second:x')
    running.child.kill('SIGTERM')
    expect(await running.code).toBe(0)
  })
})

describe('run -- command', () => {
  const node = (code: string) => ['--', process.execPath, '-e', code]

  test('gives it the addresses, keeps standard output for it, and ends with its exit code', async () => {
    const code = `
      const [host, port] = process.env.PORTOLAN_A_ADDRESS.split(':')
      const socket = require('node:net').connect(port, host, () => socket.write('hello\\n'))
      socket.once('data', text => {
        process.stdout.write(process.env.ECHO_URL === 'echo://' + host + ':' + port ? text : 'wrong ECHO_URL')
        process.exitCode = 7
        socket.destroy()
      })`
    const running = program.start(['run', '-c', app(), '-c', cloud('first'), ...node(code)])
    expect(await running.code).toBe(7)
    expect(running.stdout).toBe('first:hello\n')
    expect(running.lines('the command has ended', 'stderr')).toHaveLength(1)
    expect(running.lines('stopped', 'stderr')).toHaveLength(1)
  })

  test('passes SIGTERM on and serves until the command has ended', async () => {
    const code = `
      const [host, port] = process.env.PORTOLAN_A_ADDRESS.split(':')
      process.on('SIGTERM', () => {
        const socket = require('node:net').connect(port, host, () => socket.write('bye\\n'))
        socket.once('data', text => { process.stdout.write(text); process.exit(3) })
      })
      setInterval(() => {}, 1000)
      process.stdout.write('up\\n')`
    const running = program.start(['run', '-c', app(), '-c', cloud('first'), ...node(code)])
    await vi.waitFor(() => expect(running.stdout).toBe('up\n'), { timeout: 20_000 })
    running.child.kill('SIGTERM')
    expect(await running.code).toBe(3)
    expect(running.stdout).toBe('up\nfirst:bye\n')
  })

  test('a command ended by a signal gives 128+n, one that cannot start 127', async () => {
    const killed = program.start([
      'run',
      '-c',
      app(),
      ...['-c', cloud('first')],
      ...node('process.kill(process.pid, 9)'),
    ])
    expect(await killed.code).toBe(137)
    const missing = program.start(['run', '-c', app(), '-c', cloud('first'), '--', './no-such-program'])
    expect(await missing.code).toBe(127)
    expect(missing.stderr).toContain('portolan: cannot start ./no-such-program')
  })

  test('a second signal takes the command with it', async () => {
    const code = `process.on('SIGTERM', () => process.stdout.write('no\\n')); setInterval(() => {}, 1000); process.stdout.write('up\\n')`
    const running = program.start(['run', '-c', app(), '-c', cloud('first'), ...node(code)])
    await vi.waitFor(() => expect(running.stdout).toBe('up\n'), { timeout: 20_000 })
    running.child.kill('SIGTERM')
    await vi.waitFor(() => expect(running.stdout).toContain('no'), { timeout: 20_000 })
    running.child.kill('SIGTERM')
    // Resolves when standard output is closed, so when the command is gone too.
    expect(await running.code).toBe(143)
  })
})

test('Ctrl-C in a terminal is for the command, which may go on', async () => {
  const code = `
    let count = 0
    process.on('SIGINT', () => { console.log('count ' + ++count); if (count === 3) process.exit(5) })
    setInterval(() => {}, 1000)
    console.log('up')`
  const shown = program.write('interactive.cjs', code)
  const running = program.terminal(['run', '-c', app(), '-c', cloud('first'), '--', process.execPath, shown])
  await running.match(/up/)
  for (let count = 1; count <= 3; count++) {
    running.child.stdin.write('\x03')
    await running.match(new RegExp(`count ${count}`))
  }
  expect(await running.code).toBe(5)
  expect(running.stdout).not.toContain('count 4')
})

describe('what does not start', () => {
  test('an invalid configuration: 1, with the place', async () => {
    const bad = program.write('bad.yaml', 'listeners: { a: { protocol: ecko, address: 127.0.0.1:0 } }\n')
    const running = program.start(['run', '-c', bad])
    expect(await running.code).toBe(1)
    expect(running.stderr).toContain('bad.yaml:1:')
    expect(running.stderr).toContain('did you mean "echo"?')
    expect(running.stdout).toBe('')
  })

  test('a taken port: 4, with listener, address and setting', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await vi.waitFor(() => expect(server.listening).toBe(true))
    const { port } = server.address() as { port: number }
    const taken = program.write('taken.yaml', `listeners: { a: { address: '127.0.0.1:${port}' } }\n`)
    const running = program.start(['run', '-c', app(), '-c', cloud('first'), '-c', taken])
    expect(await running.code).toBe(4)
    expect(running.stderr).toContain(`listener a: 127.0.0.1:${port} is taken by another process`)
    expect(running.stderr).toContain('listeners.a.address')
    server.close()
  })

  test.each([
    { args: [], says: 'Usage: portolan' },
    { args: ['run'], says: "required option '-c, --config <file>'" },
    { args: ['run', '-c', 'x', '-x'], says: "unknown option '-x'" },
    { args: ['run', 'app.yaml', '-c', 'x'], says: 'too many arguments' },
    { args: ['run', '-c', 'x', '--'], says: 'no command after --' },
    { args: ['check', '-c', 'x', '--', 'ls'], says: 'only run takes a command' },
    { args: ['serve'], says: "unknown command 'serve'" },
  ])('wrong usage: 2: $args', async ({ args, says }) => {
    const running = program.start(args)
    expect(await running.code).toBe(2)
    expect(running.stderr).toContain(says)
  })
})

describe('a bug', () => {
  test('is logged with its stack and ends the process with 70', async () => {
    const running = program.start(['run', '-c', app(), '-c', cloud('first')])
    const client = await EchoClient.connect(await running.address('a'))
    expect(await client.ask('crash')).toBeUndefined()
    expect(await running.code).toBe(70)
    const [line] = running.lines('nobody caught this error; it is a bug in Portolan, which ends here')
    expect(line).toMatchObject({ level: 'error', error: { message: 'a bug', stack: expect.stringContaining('at ') } })
  })
})

describe('other commands', () => {
  test('version, help, schema and check', async () => {
    const [version, help, schema, check] = [
      program.start(['version']),
      program.start(['help', 'run']),
      program.start(['schema']),
      program.start(['check', '-c', app(), '-c', cloud('first'), '--json']),
    ]
    expect(await version.code).toBe(0)
    expect(version.stdout).toMatch(/^portolan \d+\.\d+\.\d+ \(node /)
    expect(await help.code).toBe(0)
    expect(help.stdout).toContain('SIGHUP')
    expect(await schema.code).toBe(0)
    expect(JSON.parse(schema.stdout)).toHaveProperty('properties.listeners')
    expect(await check.code).toBe(0)
    expect(JSON.parse(check.stdout)).toMatchObject({ ok: true })
  })

  test('check --probe: 3 when a backend is away', async () => {
    const away = program.write('away.yaml', 'backends: { one: { protocol: echo, label: x, reachable: false } }\n')
    const running = program.start(['check', '--probe', '-c', app(), '-c', away])
    expect(await running.code).toBe(3)
    expect(running.stdout).toContain('connection refused')
  })
})
