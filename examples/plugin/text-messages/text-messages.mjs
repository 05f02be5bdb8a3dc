/** Short messages by two services, both invented: Skylark takes JSON, Pigeon Post takes forms. */

/** What the two call the states of a message. */
const STATES = {
  skylark: { queued: 'ACCEPTED', sent: 'DELIVERED', error: 'FAILED' },
  'pigeon-post': { 0: 'ACCEPTED', 1: 'DELIVERED', 2: 'FAILED' },
}
const POLL_MS = 200

export function open(implementation, { url }, { secrets, error }) {
  if (typeof url !== 'string') throw new Error('the option url must be where the service is, such as https://...')
  const { token = '' } = secrets
  const calls = implementation === 'skylark' ? skylark(ask, url, token) : pigeonPost(ask, url, token)

  async function ask(path, init) {
    const answer = await fetch(path, { ...init, signal: AbortSignal.timeout(5_000) }).catch(() => {
      throw error('unavailable', 'the message service cannot be reached')
    })
    if (answer.status === 400) throw error('invalid-argument', 'the message service does not take that number')
    if (answer.status === 404) throw error('not-found', 'there is no such message')
    if (!answer.ok) throw error('internal', `the message service answered ${answer.status}`)
    return answer
  }

  return {
    methods: {
      async Send({ to, text }) {
        if (text === '') throw error('invalid-argument', 'a message needs a text')
        return { id: await calls.send(to, text) }
      },
      async *Follow({ id }, { signal }) {
        for (let last; !signal.aborted; ) {
          const state = STATES[implementation][await calls.state(id)]
          if (state !== last) yield { state }
          if (state !== 'ACCEPTED') return
          last = state
          await new Promise(resolve => setTimeout(resolve, POLL_MS))
        }
      },
    },
  }
}

function skylark(ask, url, token) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return {
    async send(recipient, body) {
      const answer = await ask(`${url}/v2/messages`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ recipient, body }),
      })
      return (await answer.json()).messageId
    },
    async state(id) {
      return (await (await ask(`${url}/v2/messages/${encodeURIComponent(id)}`, { headers })).json()).status
    },
  }
}

function pigeonPost(ask, url, token) {
  return {
    async send(phone, msg) {
      const body = new URLSearchParams({ key: token, phone, msg })
      return (await (await ask(`${url}/send`, { method: 'POST', body })).text()).trim()
    },
    async state(ticket) {
      return (await (await ask(`${url}/state?${new URLSearchParams({ key: token, ticket })}`)).text()).trim()
    },
  }
}
