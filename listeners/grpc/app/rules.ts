/** Where an event goes: the path of the first rule that fits. Rules are written in the Common Expression Language. */
import type { Event } from '../../../src/services/index.ts'
import type { AppSubscription } from './channel.ts'

export type Router = (event: Event, topic: string) => string

/** Rejects with a sentence about the rule that cannot be understood. */
export async function routerOf({ rules, path }: AppSubscription): Promise<Router> {
  if (rules.length === 0) return () => path
  const { parse } = await import('@marcbachmann/cel-js')
  const compiled = rules.map(rule => {
    try {
      return { path: rule.path, fits: parse(rule.match) }
    } catch (error) {
      throw new Error(`the rule ${JSON.stringify(rule.match)} cannot be understood: ${(error as Error).message}`)
    }
  })
  return (event, topic) => {
    const facts = { event: factsOf(event, topic) }
    // What a rule asks for and an event does not have makes it not fit.
    const found = compiled.find(({ fits }) => {
      try {
        return fits(facts) === true
      } catch {
        return false
      }
    })
    return found?.path ?? path
  }
}

function factsOf({ id, source, type, specVersion, dataContentType, data, extensions }: Event, topic: string): object {
  const head = { id, source, type, specversion: specVersion, datacontenttype: dataContentType, topic }
  return { ...extensions, ...head, data: dataOf(data) }
}

function dataOf(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString())
  } catch {
    return data.toString()
  }
}
