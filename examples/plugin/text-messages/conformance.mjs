/**
 * Shows that both implementations do the same. Here each talks to a fake of its service, since both are invented; a real
 * plug-in would rather take the address of a test account from the environment.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'

const TOKEN = 'test-token'

/** How the two services are asked and answer; the messages behind them are the same. */
const FAKES = {
  skylark(messages, { method, path, body, headers }) {
    if (headers.authorization !== `Bearer ${TOKEN}`) return { status: 401 }
    if (method === 'POST') {
      const { recipient, body: text } = JSON.parse(body)
      const messageId = messages.add(recipient, text)
      return messageId ? { status: 201, text: JSON.stringify({ messageId }) } : { status: 400 }
    }
    const state = messages.stateOf(path.split('/').pop())
    return state === undefined
      ? { status: 404 }
      : { status: 200, text: JSON.stringify({ status: ['queued', 'sent'][state] }) }
  },
  'pigeon-post'(messages, { method, query, body }) {
    const form = method === 'POST' ? new URLSearchParams(body) : query
    if (form.get('key') !== TOKEN) return { status: 403 }
    if (method === 'POST') {
      const ticket = messages.add(form.get('phone'), form.get('msg'))
      return ticket ? { status: 200, text: `${ticket}\n` } : { status: 400 }
    }
    const state = messages.stateOf(form.get('ticket'))
    return state === undefined ? { status: 404 } : { status: 200, text: `${state}\n` }
  },
}

/** A message is accepted when it is asked for first, then delivered. */
class Messages {
  #asked = new Map()

  add(to) {
    if (!/^\+\d{6,15}$/.test(to)) return undefined
    const id = `m${this.#asked.size + 1}`
    this.#asked.set(id, 0)
    return id
  }

  stateOf(id) {
    const asked = this.#asked.get(id)
    if (asked === undefined) return undefined
    this.#asked.set(id, asked + 1)
    return Math.min(asked, 1)
  }
}

export async function prepare(implementation) {
  const messages = new Messages()
  const server = createServer(async (request, response) => {
    const { pathname: path, searchParams: query } = new URL(request.url, 'http://fake')
    const body = (await request.toArray()).join('')
    const { status, text = '' } = FAKES[implementation](messages, {
      method: request.method,
      headers: request.headers,
      path,
      query,
      body,
    })
    response.writeHead(status).end(text)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    options: { url: `http://127.0.0.1:${server.address().port}` },
    secrets: { token: TOKEN },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

export const cases = {
  async 'a message is sent and gets an id'(client) {
    const [first, second] = [
      await client.Send({ to: '+491701234567', text: 'one' }),
      await client.Send({ to: '+491701234567', text: 'two' }),
    ]
    assert.ok(first.id)
    assert.notEqual(first.id, second.id)
  },

  async 'a message is followed until it is delivered'(client) {
    const { id } = await client.Send({ to: '+491701234567', text: 'Grüße' })
    const states = []
    for await (const { state } of client.Follow({ id })) states.push(state)
    assert.deepEqual(states, ['ACCEPTED', 'DELIVERED'])
  },

  async 'what is no number is refused'(client) {
    await assert.rejects(client.Send({ to: 'nobody', text: 'x' }), { code: 'invalid-argument' })
  },

  async 'an empty message is refused'(client) {
    await assert.rejects(client.Send({ to: '+491701234567', text: '' }), { code: 'invalid-argument' })
  },

  async 'an unknown message is not found'(client) {
    await assert.rejects(client.Follow({ id: 'none' })[Symbol.asyncIterator]().next(), { code: 'not-found' })
  },
}
