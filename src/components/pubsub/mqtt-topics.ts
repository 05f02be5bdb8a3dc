/** Names in MQTT: what may be published to, what may be subscribed to, and sessions and topics of our own. */
import { createHash } from 'node:crypto'
import { ApiError } from '../../apis/index.ts'

/** MQTT carries a name behind two bytes of length. */
const LONGEST_NAME = 65_535

/** Throws an ApiError for what nothing can be published to. */
export function topicName(topic: string): string {
  if (/[+#]/.test(topic)) throw new ApiError('invalid-argument', `${topic} is a pattern, which nothing is published to`)
  return checked(topic)
}

/** Throws an ApiError where a pattern is not one. */
export function topicFilter(topic: string): string {
  const levels = topic.split('/')
  for (const [i, level] of levels.entries()) {
    if (!/[+#]/.test(level) || level === '+' || (level === '#' && i === levels.length - 1)) continue
    throw new ApiError('invalid-argument', `${topic} is no pattern: + stands for a whole level, # for all at the end`)
  }
  // The broker would take it for its own way of sharing.
  if (topic.startsWith('$share/'))
    throw new ApiError('invalid-argument', `${topic} is no topic; name the group as such instead`)
  return checked(topic)
}

/** The session of a group, another one for each topic; whoever connects with it has the group's messages. */
export function groupSession(topic: string, group: string): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([group, topic]))
    .digest('hex')
  return `portolan-${digest.slice(0, 32)}`
}

function checked(topic: string): string {
  if (topic.includes('\0')) throw new ApiError('invalid-argument', 'a topic of MQTT has no NUL character')
  if (Buffer.byteLength(topic) > LONGEST_NAME)
    throw new ApiError('invalid-argument', `the topic is too long: MQTT has names of ${LONGEST_NAME} bytes at most`)
  return topic
}
