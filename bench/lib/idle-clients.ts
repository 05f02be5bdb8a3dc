/**
 * Opens many connections that send one request each and then stay idle; a process of its own.
 * argv[2]: an IdlePlan as JSON. Prints "open" once every reply is complete; ends with its standard input.
 */

import { connect } from 'node:net'

export interface IdlePlan {
  readonly port: number
  readonly clients: number
  readonly request: string
  readonly replyBytes: number
}

const plan = JSON.parse(process.argv[2] as string) as IdlePlan
const AT_ONCE = 100 // connections being opened, well below every listen backlog

let started = 0
let answered = 0

function open(): void {
  if (started === plan.clients) return
  started++
  let received = 0
  const socket = connect(plan.port, '127.0.0.1', () => socket.write(plan.request, 'latin1'))
  socket.on('error', fail)
  socket.on('close', () => fail(new Error('the peer closed an idle connection')))
  socket.on('data', chunk => {
    received += chunk.length
    if (received < plan.replyBytes) return
    if (++answered === plan.clients) process.stdout.write('open\n')
    else open()
  })
}

function fail(error: Error): void {
  process.stderr.write(`client ${answered + 1} of ${plan.clients}: ${error.message}\n`)
  process.exit(1)
}

for (let i = 0; i < Math.min(AT_ONCE, plan.clients); i++) open()
process.stdin.on('end', () => process.exit(0)).resume()
