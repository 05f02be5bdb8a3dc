/** Topics and groups in Kafka. */
import { ApiError } from '../../apis/index.ts'

const LEGAL_TOPIC = /^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/

/** Throws an ApiError for a name that Kafka does not take. */
export function checkTopic(topic: string): void {
  if (LEGAL_TOPIC.test(topic)) return
  const rule = 'a topic of Kafka has at most 249 letters, digits, dots, underscores and hyphens'
  throw new ApiError('invalid-argument', `${JSON.stringify(topic)} cannot be a topic: ${rule}`)
}

/** A group of Kafka for each topic: its members then read the same, and one topic is not moved because of another. */
export function groupId(group: string, topic: string): string {
  return `${encodeURIComponent(group)}/${topic}`
}
