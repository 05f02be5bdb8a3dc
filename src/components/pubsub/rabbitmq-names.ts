/**
 * Topics and groups in RabbitMQ. A level between slashes is a word between dots there, and the other way round, as in
 * RabbitMQ's own plugin for MQTT; so the patterns of a topic exchange mean what ours mean.
 */
import { ApiError } from '../../apis/index.ts'

/** AMQP 0-9-1 carries a name behind one byte of length. */
const LONGEST_NAME = 255

/** Throws an ApiError for a pattern. */
export function routingKey(topic: string): string {
  if (/[+#]/.test(topic)) throw new ApiError('invalid-argument', `${topic} is a pattern, which nothing is published to`)
  return bounded(topic.split('/').map(word).join('.'), `the topic ${topic}`)
}

/** What a queue is bound by, for a topic or a pattern. Throws an ApiError where a pattern is not one. */
export function bindingKey(topic: string): string {
  const levels = topic.split('/')
  for (const [i, level] of levels.entries()) {
    if (!/[+#]/.test(level) || level === '+' || (level === '#' && i === levels.length - 1)) continue
    throw new ApiError('invalid-argument', `${topic} is no pattern: + stands for a whole level, # for all at the end`)
  }
  const words = levels.map(level => (level === '+' ? '*' : level === '#' ? '#' : word(level)))
  return bounded(words.join('.'), `the topic ${topic}`)
}

export function topicOf(key: string): string {
  return key
    .split('.')
    .map(each => swapped(/^\*{2,}$/.test(each) ? each.slice(1) : each))
    .join('/')
}

/** The queue of a group, another one for each topic. */
export function queueName(exchange: string, topic: string, group: string): string {
  return bounded(`${exchange}/${encodeURIComponent(group)}/${topic}`, `the group ${group} of topic ${topic}`)
}

/** A level of asterisks alone gets one more, so that it is no pattern. */
function word(level: string): string {
  return /^\*+$/.test(level) ? `*${level}` : swapped(level)
}

function swapped(text: string): string {
  return text.replaceAll(/[./]/g, each => (each === '.' ? '/' : '.'))
}

function bounded(name: string, what: string): string {
  if (Buffer.byteLength(name) > LONGEST_NAME)
    throw new ApiError('invalid-argument', `${what} is too long: RabbitMQ has names of ${LONGEST_NAME} bytes at most`)
  return name
}
