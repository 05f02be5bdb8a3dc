/** CLIENT KILL, old form (address) and new (filters), on the sidecar's own clients. */
import { encodeError, encodeInteger, encodeSimple } from '../../../codecs/redis/index.ts'
import { readInteger } from '../arguments.ts'
import type { Handled } from '../command-handler.ts'
import { SYNTAX_ERROR, shown } from '../errors.ts'
import type { Session } from '../session.ts'
import { answer } from './connection.ts'

const TYPES: Readonly<Record<string, (session: Session) => boolean>> = {
  normal: session => !session.subscribed && session.seat.pipeline?.raw !== true,
  pubsub: session => session.subscribed,
  master: () => false,
  replica: session => session.seat.pipeline?.raw === true,
  slave: session => session.seat.pipeline?.raw === true,
}

type Filter = (session: Session) => boolean

export function clientKill(session: Session, args: readonly Buffer[]): Handled {
  if (args.length === 3) return killAddress(session, args[2]!.toString('latin1'))
  if (args.length % 2 !== 0) return answer(session, SYNTAX_ERROR)
  const filters: Filter[] = []
  let skipMe = true
  for (let i = 2; i < args.length; i += 2) {
    const name = args[i]!.toString('latin1').toLowerCase()
    const given = args[i + 1]!
    if (name === 'skipme') {
      const value = shown(given)
      if (!/^(yes|no)$/i.test(value)) return answer(session, SYNTAX_ERROR)
      skipMe = value.toLowerCase() === 'yes'
      continue
    }
    const filter = readFilter(session, name, given)
    if (typeof filter === 'string') return answer(session, encodeError(filter))
    filters.push(filter)
  }
  return kill(session, other => !(skipMe && other === session) && filters.every(filter => filter(other)))
}

/** The filter, or the error text. */
function readFilter(session: Session, name: string, given: Buffer): Filter | string {
  const value = shown(given)
  switch (name) {
    case 'id': {
      const id = readInteger(given)
      return id !== undefined && id > 0 ? other => other.id === id : 'ERR client-id should be greater than 0'
    }
    case 'addr':
      return other => other.facts.address === value
    case 'laddr':
      return other => other.facts.localAddress === value
    case 'user':
      return session.host.users.has(value) ? other => other.facts.user === value : `ERR No such user '${value}'`
    case 'type':
      if (!Object.hasOwn(TYPES, value.toLowerCase())) return `ERR Unknown client type '${value}'`
      return TYPES[value.toLowerCase()]!
    case 'maxage': {
      const seconds = readInteger(given)
      if (seconds === undefined) return 'ERR value is not an integer or out of range'
      return other => (session.host.clock.now() - other.facts.connectedAt) / 1000 >= seconds
    }
    default:
      return 'ERR syntax error'
  }
}

function kill(session: Session, wanted: Filter): Handled {
  let killed = 0
  for (const other of [...session.host.sessions.values()]) {
    if (!wanted(other)) continue
    killed++
    if (other !== session) other.destroy()
    else session.finishAfterReply()
  }
  return answer(session, encodeInteger(killed))
}

function killAddress(session: Session, address: string): Handled {
  for (const other of [...session.host.sessions.values()]) {
    if (other.facts.address !== address) continue
    if (other !== session) other.destroy()
    else session.finishAfterReply()
    return answer(session, encodeSimple('OK'))
  }
  return answer(session, encodeError('ERR No such client'))
}
