/** Checks the options that name commands and categories, `deny` and the rules of users, against the commands shipped. */
import type * as z from 'zod/mini'
import { AccessRules, categoryFlag, categoryNames, loadCommands } from '../../codecs/redis/index.ts'
import { nearest, type ProblemDetails } from '../../src/config/index.ts'

type Words = z.core.ParsePayload<string[]>

const CATEGORIES = categoryNames.map(name => `@${name}`)

const NO_COMMAND = 'names no command or category'
const NO_RULE = 'is no ACL rule such as +@read, -flushall, ~app:* or &news.*'
/** Redis's reasons, which tell too little without the command that was typed. */
const WORDING: Readonly<Record<string, string>> = {
  'Unknown command or category name in ACL': NO_COMMAND,
  'Syntax error': NO_RULE,
}

export function checkDenied(words: Words): void {
  // Most configurations have none, and a table takes its time.
  if (words.value.length === 0) return
  const table = loadCommands()
  for (const [index, word] of words.value.entries()) {
    if (word.startsWith('@') ? categoryFlag(word) : table.idOf(word) >= 0) continue
    complain(words, index, NO_COMMAND, { suggestion: nearest(word, [...table.names, ...CATEGORIES]) })
  }
}

export function checkRules(rules: Words): void {
  if (rules.value.length === 0) return
  const table = loadCommands()
  const names = [...table.names, ...CATEGORIES]
  for (const { index, why } of AccessRules.refused(rules.value, table)) {
    const rule = rules.value[index]!
    if (/^[<>#!]/.test(rule)) {
      complain(rules, index, 'is no rule of what a user may do; `password` says where the password is', {
        secret: true,
      })
      continue
    }
    const sign = rule.startsWith('-') ? '-' : '+'
    const suggestion =
      WORDING[why] &&
      nearest(
        rule,
        names.map(name => sign + name),
      )
    complain(rules, index, WORDING[why] ?? `cannot stand here: ${why}`, { suggestion })
  }
}

function complain({ value, issues }: Words, index: number, message: string, params: Partial<ProblemDetails>): void {
  issues.push({ code: 'custom', message, input: value[index], path: [index], params })
}
