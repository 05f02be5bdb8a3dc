/** `npm start`: runs examples/quickstart, says what is listening and what to try, and ends with it. No dependencies. */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { ROOT } from './build-state.mjs'
import { answers, freePort, isFree } from './ports.mjs'

const PORTS = [
  { use: 'Redis', variable: 'PORTOLAN_REDIS_PORT', standard: 6379 },
  { use: 'MySQL', variable: 'PORTOLAN_MYSQL_PORT', standard: 3306 },
  { use: 'S3', variable: 'PORTOLAN_S3_PORT', standard: 9000 },
  { use: 'gRPC', variable: 'PORTOLAN_GRPC_PORT', standard: 50001 },
  { use: 'admin', variable: 'PORTOLAN_ADMIN_PORT', standard: 9901 },
]
/** Ctrl-C reaches us from the terminal and once more from npm; within this time it is one wish. */
const SAME_WISH_MS = 500

export async function quickstart(args) {
  const [redis, mysql, s3, grpc, admin] = await choosePorts()
  const command = ['bin/portolan.cjs', 'run', '-c', 'examples/quickstart/portolan.yaml', ...args]
  // A process group of its own: signals come through forwardSignals only, so each arrives once.
  const child = spawn(process.execPath, command, {
    cwd: ROOT,
    stdio: 'inherit',
    detached: process.platform !== 'win32',
  })
  forwardSignals(child)
  const ended = new Promise(resolve => {
    child.once('exit', (code, signal) => resolve(code ?? 128 + (constants.signals[signal] ?? 0)))
  })
  if (await answers(child, admin, '/readyz', 30_000)) console.log(banner(redis, mysql, s3, grpc, admin))
  else if (child.exitCode === null && child.signalCode === null)
    console.error('Portolan runs, but is not ready: see its log.')
  process.exit(await ended)
}

/** The ports of PORTS in their order. Where one cannot be had, says which and how to start with others, and ends. */
async function choosePorts() {
  const ports = PORTS.map(portOf)
  const others = [...ports]
  for (const [i, port] of ports.entries()) {
    if (ports.indexOf(port) === i && (await isFree(port))) continue
    console.error(`Port ${port} (${PORTS[i].use}) is taken by another program, or may not be bound by this user.`)
    others[i] = await freePortAfter(port, others)
  }
  const changed = PORTS.flatMap(({ variable, standard }, i) =>
    others[i] === standard ? [] : `${variable}=${others[i]}`,
  )
  if (others.every((port, i) => port === ports[i])) return ports
  console.error(`Use another one:\n  ${changed.join(' ')} npm start`)
  return process.exit(1)
}

function portOf({ variable, standard }) {
  const text = process.env[variable] || String(standard)
  const port = Number(text)
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port
  console.error(`${variable}=${text} is not a port: give a number from 1 to 65535`)
  return process.exit(1)
}

async function freePortAfter(port, others) {
  for (let next = Math.max(port + 1, 1_024); next < port + 100; next++) {
    if (!others.includes(next) && (await isFree(next))) return next
  }
  return freePort()
}

function forwardSignals(child) {
  // npm tells a shell, not us, when it is asked to end; the shell ends and leaves us with another parent.
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    child.kill('SIGTERM')
  }, 1_000).unref()
  let last = Number.NEGATIVE_INFINITY
  // A closed terminal (SIGHUP) ends the quickstart; for Portolan itself that signal means reload.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      const now = performance.now()
      if (now - last > SAME_WISH_MS) child.kill('SIGTERM')
      last = now
    })
  }
}

function banner(redis, mysql, s3, grpc, admin) {
  return `
  Portolan is ready; data in ${process.env.PORTOLAN_DATA_DIR || '.portolan'}

    Redis    127.0.0.1:${redis}    a private redis-server behind it
    MySQL    127.0.0.1:${mysql}    a private mariadbd behind it: user app, password app, database app
    S3       http://127.0.0.1:${s3}    files of this machine behind it: access key local, secret local-secret
    APIs     127.0.0.1:${grpc}    gRPC, as clients of Dapr and Layotto speak it: configuration, lock, sequencer, secrets, pubsub
    admin    http://127.0.0.1:${admin}

  Try, in another terminal:

    redis-cli -p ${redis} set hello world
    mariadb -h 127.0.0.1 -P ${mysql} -u app -papp app -e 'SELECT VERSION()'
    curl -s --user local:local-secret --aws-sigv4 aws:amz:us-east-1:s3 -H x-amz-content-sha256:UNSIGNED-PAYLOAD http://127.0.0.1:${s3}/
    curl -s http://127.0.0.1:${admin}/metrics | grep portolan_requests_total
    curl -s http://127.0.0.1:${admin}/backends
    curl -s http://127.0.0.1:${admin}/components

  Ctrl-C ends it. Its configuration is examples/quickstart/portolan.yaml.
`
}
