/** The table of the commands that Portolan knows of itself, made from command-rows.ts. */
import { CommandFlag, categoryFlag, impliedCategories } from './command-facts.ts'
import { COMMAND_ROWS } from './command-rows.ts'
import { CommandTable } from './command-table.ts'

const LETTERS: Readonly<Record<string, number>> = {
  w: CommandFlag.WRITE,
  r: CommandFlag.READONLY,
  m: CommandFlag.DENYOOM,
  a: CommandFlag.ADMIN,
  p: CommandFlag.PUBSUB,
  s: CommandFlag.NOSCRIPT,
  b: CommandFlag.BLOCKING,
  l: CommandFlag.LOADING,
  t: CommandFlag.STALE,
  M: CommandFlag.SKIP_MONITOR,
  S: CommandFlag.SKIP_SLOWLOG,
  k: CommandFlag.ASKING,
  F: CommandFlag.FAST,
  A: CommandFlag.NO_AUTH,
  R: CommandFlag.MAY_REPLICATE,
  n: CommandFlag.NO_MANDATORY_KEYS,
  y: CommandFlag.NO_ASYNC_LOADING,
  T: CommandFlag.NO_MULTI,
  B: CommandFlag.ALLOW_BUSY,
  v: CommandFlag.MOVABLE_KEYS,
  '*': CommandFlag.TOUCHES_ARBITRARY_KEYS,
  o: CommandFlag.MODULE,
}

/** A new table of all shipped commands; each owner may merge into its own. It takes two to three milliseconds. */
export function loadCommands(): CommandTable {
  const table = new CommandTable()
  const flagsOf = remembering(parseFlags)
  const categoriesOf = remembering(parseCategories)
  let container = ''
  for (const [, name = '', arity, letters = '', words = '', keys = ''] of COMMAND_ROWS.matchAll(ROW)) {
    if (!name.startsWith('|')) container = name
    const flags = flagsOf(letters)
    const full = name === container ? name : container + name
    table.add(full, Number(arity), flags, impliedCategories(flags, categoriesOf(words)), keys)
  }
  return table
}

const ROW = /^([^# ]+) (-?\d+) (\S+) (\S+) ?(.*)$/gm

/** Few of the 600 rows differ in these. */
function remembering(parse: (text: string) => number): (text: string) => number {
  const known = new Map([['-', 0]])
  return text => {
    let bits = known.get(text)
    if (bits === undefined) known.set(text, (bits = parse(text)))
    return bits
  }
}

function parseFlags(letters: string): number {
  let flags = 0
  for (const letter of letters) flags |= LETTERS[letter]!
  return flags
}

function parseCategories(words: string): number {
  let categories = 0
  for (const word of words.split('.')) categories |= categoryFlag(word)
  return categories
}
