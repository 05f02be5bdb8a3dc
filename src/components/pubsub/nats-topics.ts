/**
 * Topics and groups in NATS: a level between slashes is a token between dots there, as in its own MQTT, and what it
 * takes in no token stands escaped.
 */
import { ApiError } from '../../apis/index.ts'
import { nameOf, tokenOf } from '../clients/nats/index.ts'

/** The server takes no longer line than 4 KiB, with a subject in it. */
const LONGEST_SUBJECT = 1_024
/** A consumer is a folder of its name at the server. */
const LONGEST_CONSUMER = 200

/** `prefix`: the beginning of all subjects. Throws an ApiError for a pattern. */
export function subjectOf(prefix: string, topic: string): string {
  if (/[+#]/.test(topic)) throw new ApiError('invalid-argument', `${topic} is a pattern, which nothing is published to`)
  return bounded([prefix, ...topic.split('/').map(tokenOf)].join('.'), LONGEST_SUBJECT, `the topic ${topic}`)
}

/** Of a topic or a pattern. Throws an ApiError where a pattern is not one. */
export function filterOf(prefix: string, topic: string): string {
  const levels = topic.split('/')
  for (const [i, level] of levels.entries()) {
    if (!/[+#]/.test(level) || level === '+' || (level === '#' && i === levels.length - 1)) continue
    throw new ApiError('invalid-argument', `${topic} is no pattern: + stands for a whole level, # for all at the end`)
  }
  const tokens = levels.map(level => (level === '+' ? '*' : level === '#' ? '>' : tokenOf(level)))
  return bounded([prefix, ...tokens].join('.'), LONGEST_SUBJECT, `the topic ${topic}`)
}

export function topicOf(prefix: string, subject: string): string {
  return subject
    .slice(prefix.length + 1)
    .split('.')
    .map(nameOf)
    .join('/')
}

/** The consumer of a group, another one for each topic. No escape is `=_`. */
export function consumerOf(topic: string, group: string): string {
  const name = `${tokenOf(group)}=_${tokenOf(topic)}`
  return bounded(name, LONGEST_CONSUMER, `the group ${group} of topic ${topic}`)
}

function bounded(name: string, most: number, what: string): string {
  if (name.length <= most) return name
  throw new ApiError('invalid-argument', `${what} is too long: NATS is to have names of ${most} bytes at most`)
}
