/**
 * What a user may do, from rules in the words of ACL SETUSER: `+@read`, `-keys`, `+config|get`, `~app:*`, `%R~shared:*`,
 * `&news.*`. https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/
 * Rules apply in order, and who has no rules may do nothing.
 */
import { CommandFlag, categoryFlag } from './command-facts.ts'
import { type CommandTable, MAX_COMMANDS } from './command-table.ts'
import { globMatches } from './glob.ts'
import { KeyFlag } from './key-spec.ts'
import { KeyFinder } from './keys.ts'

const READ = 1
const WRITE = 2

interface KeyPattern {
  readonly pattern: Buffer
  readonly access: number
}

/** Commands whose effects only the server can check: whom not all is allowed is refused. */
const SCRIPTS = ['eval', 'evalsha', 'fcall', 'eval_ro', 'evalsha_ro', 'fcall_ro']
/** Commands with channels as arguments, and how many at most. */
const CHANNELS: readonly (readonly [string, number])[] = [
  ['publish', 1],
  ['spublish', 1],
  ['subscribe', Number.POSITIVE_INFINITY],
  ['ssubscribe', Number.POSITIVE_INFINITY],
  ['psubscribe', Number.POSITIVE_INFINITY],
]

export class AccessRules {
  readonly #rules: readonly string[]
  readonly #table: CommandTable
  readonly #finder: KeyFinder
  #revision = -1
  /** By command id; 1 also for ids to come when all commands were allowed. */
  readonly #allowed = new Uint8Array(MAX_COMMANDS)
  /** Commands allowed with some first arguments only, in lower case. */
  readonly #firstArguments = new Map<number, Set<string>>()
  /** Rules for module commands that are not known (yet): allowed or not. */
  readonly #unknown = new Map<string, boolean>()
  #allowsUnknown = false
  #allKeys = false
  #keys: KeyPattern[] = []
  #allChannels = false
  #channels: Buffer[] = []
  #scripts = new Set<number>()
  #channelCounts = new Map<number, number>()
  #psubscribe = -1

  /** Follows what the table learns later. Throws RangeError for a rule that Redis would refuse. */
  constructor(rules: readonly string[], table: CommandTable) {
    this.#rules = rules
    this.#table = table
    this.#finder = new KeyFinder(table)
    this.#compile()
  }

  /** The rules that Redis would refuse, each with its place in the list and with Redis's reason. */
  static refused(rules: readonly string[], table: CommandTable): { readonly index: number; readonly why: string }[] {
    const access = new AccessRules([], table)
    return rules.flatMap((rule, index) => {
      try {
        access.#apply(rule)
        return []
      } catch (error) {
        return { index, why: String((error as RangeError).cause) }
      }
    })
  }

  /**
   * Looks at a whole request, given its name's id (-1: not known) and its arguments as start and end of each. Returns
   * the error to answer with, as Redis 7.0 words it, or undefined when the user may make it.
   */
  check(id: number, bytes: Uint8Array, spans: ArrayLike<number>): string | undefined {
    if (this.#revision !== this.#table.revision) this.#compile()
    if (id < 0) return this.#checkUnknown(bytes, spans)
    const isContainer = (this.#table.flags[id]! & CommandFlag.CONTAINER) !== 0 && spans.length > 2
    const subcommand = isContainer ? this.#table.lookupSubcommand(id, bytes, spans[2]!, spans[3]!) : -1
    const own = subcommand < 0 ? id : subcommand
    if (!this.#mayRun(own, bytes, spans)) return noCommand(this.#table.names[own]!)
    if (this.#scripts.has(own)) return `${noCommand(this.#table.names[own]!)}: rules cannot be enforced inside scripts`
    return this.#checkKeys(own, bytes, spans) ?? this.#checkChannels(own, bytes, spans)
  }

  /** Whether the user may run a command or, given its own id, a subcommand; `argument` is the first one, if any. */
  allowsCommand(id: number, argument?: string): boolean {
    if (this.#revision !== this.#table.revision) this.#compile()
    if (this.#allowed[id] !== 0 || this.#table.flags[id]! & CommandFlag.NO_AUTH) return true
    return argument !== undefined && this.#firstArguments.get(id)?.has(argument.toLowerCase()) === true
  }

  /** Whether the user may do with the key bytes[start, end) what the bits of KeyFlag say. */
  allowsKey(bytes: Uint8Array, start: number, end: number, flags: number): boolean {
    if (this.#allKeys) return true
    const wanted = wantedAccess(flags)
    for (const { pattern, access } of this.#keys) {
      if ((access & wanted) === wanted && globMatches(pattern, bytes, start, end)) return true
    }
    return false
  }

  /** Whether the user may publish or subscribe to the channel bytes[start, end); a pattern must be allowed as such. */
  allowsChannel(bytes: Uint8Array, start: number, end: number, isPattern: boolean): boolean {
    if (this.#allChannels) return true
    return this.#channels.some(channel =>
      isPattern ? channel.equals(bytes.subarray(start, end)) : globMatches(channel, bytes, start, end),
    )
  }

  #mayRun(id: number, bytes: Uint8Array, spans: ArrayLike<number>): boolean {
    if (this.#allowed[id] !== 0 || this.#firstArguments.size === 0 || spans.length < 4) return this.allowsCommand(id)
    return this.allowsCommand(id, text(bytes, spans, 1))
  }

  #checkUnknown(bytes: Uint8Array, spans: ArrayLike<number>): string | undefined {
    const name = text(bytes, spans, 0).toLowerCase()
    if (!(this.#unknown.get(name) ?? this.#allowsUnknown)) return noCommand(name)
    return this.#allKeys ? undefined : NO_KEY
  }

  #checkKeys(id: number, bytes: Uint8Array, spans: ArrayLike<number>): string | undefined {
    if (this.#allKeys) return undefined
    const finder = this.#finder
    finder.find(id, bytes, spans)
    for (let i = 0; i < finder.count; i++) {
      const index = 2 * finder.indexes[i]!
      if (!this.allowsKey(bytes, spans[index]!, spans[index + 1]!, finder.flags[i]!)) return NO_KEY
    }
    if (finder.complete || this.#hasAllKeys(finder.derivedBy === '' ? READ | WRITE : READ)) return undefined
    if (finder.derivedBy === '') return NO_KEY
    return `ERR ${finder.derivedBy} option of SORT denied due to insufficient ACL permissions.`
  }

  #hasAllKeys(access: number): boolean {
    return this.#keys.some(key => (key.access & access) === access && key.pattern.equals(ANY))
  }

  #checkChannels(id: number, bytes: Uint8Array, spans: ArrayLike<number>): string | undefined {
    const most = this.#allChannels ? undefined : this.#channelCounts.get(id)
    if (most === undefined) return undefined
    for (let i = 1; 2 * i < spans.length && i <= most; i++) {
      if (!this.allowsChannel(bytes, spans[2 * i]!, spans[2 * i + 1]!, id === this.#psubscribe)) return NO_CHANNEL
    }
    return undefined
  }

  #compile(): void {
    const table = this.#table
    this.#revision = table.revision
    this.#reset(false)
    this.#allKeys = false
    this.#keys = []
    this.#allChannels = false
    this.#channels = []
    for (const rule of this.#rules) this.#apply(rule)
    this.#psubscribe = table.idOf('psubscribe')
    this.#channelCounts = new Map(CHANNELS.map(([name, count]) => [table.idOf(name), count]))
    const all = this.#allKeys && this.#allChannels && table.names.every((_, id) => this.#allowed[id] !== 0)
    this.#scripts = new Set(all ? [] : SCRIPTS.map(name => table.idOf(name)))
  }

  #reset(allowed: boolean): void {
    this.#allowed.fill(allowed ? 1 : 0)
    this.#allowsUnknown = allowed
    this.#unknown.clear()
    this.#firstArguments.clear()
  }

  #apply(rule: string): void {
    const word = rule.toLowerCase()
    if (word === 'allcommands' || word === '+@all') this.#reset(true)
    else if (word === 'nocommands' || word === '-@all') this.#reset(false)
    else if (word === 'allkeys' || word === '~*' || word === 'resetkeys') {
      this.#allKeys = word !== 'resetkeys'
      this.#keys = []
    } else if (word === 'allchannels' || word === '&*' || word === 'resetchannels') {
      this.#allChannels = word !== 'resetchannels'
      this.#channels = []
    } else if (word.startsWith('+@') || word.startsWith('-@')) this.#applyCategory(rule)
    else if (word.startsWith('+') || word.startsWith('-')) this.#applyCommand(rule, word.slice(1))
    else if (word.startsWith('&')) {
      if (this.#allChannels) throw refused(rule, 'all channels are allowed before; begin with resetchannels')
      this.#channels.push(patternOf(rule, 1))
    } else {
      const prefix = /^(?:~|%([rw]{1,2})~)/.exec(word)
      if (prefix === null || /(.)\1/.test(prefix[1] ?? '')) throw refused(rule, 'Syntax error')
      if (this.#allKeys) throw refused(rule, 'all keys are allowed before; begin with resetkeys')
      const access = (prefix[1] ?? 'rw').replace('r', '1').replace('w', '2')
      this.#addKeys(
        patternOf(rule, prefix[0].length),
        [...access].reduce((sum, bit) => sum | Number(bit), 0),
      )
    }
  }

  /** A pattern that is named twice is one with the access of both. */
  #addKeys(pattern: Buffer, access: number): void {
    const same = this.#keys.find(key => key.pattern.equals(pattern))
    this.#keys = this.#keys.filter(key => key !== same)
    this.#keys.push({ pattern, access: access | (same?.access ?? 0) })
  }

  #applyCategory(rule: string): void {
    const bit = categoryFlag(rule.slice(1))
    if (bit === 0) throw refused(rule, 'Unknown command or category name in ACL')
    for (const id of this.#table.inCategory(rule.slice(1))) this.#allow(id, rule.startsWith('+'))
  }

  #applyCommand(rule: string, name: string): void {
    const id = this.#table.idOf(name)
    const allow = rule.startsWith('+')
    if (id >= 0) return this.#allow(id, allow)
    const pipe = name.lastIndexOf('|')
    const command = pipe < 0 ? -1 : this.#table.idOf(name.slice(0, pipe))
    if (allow && command >= 0) {
      if (pipe + 1 === name.length) throw refused(rule, 'Syntax error')
      if (this.#table.parent[command]! >= 0) throw refused(rule, 'Allowing first-arg of a subcommand is not supported')
      if ((this.#table.flags[command]! & CommandFlag.CONTAINER) === 0) {
        const words = this.#firstArguments.get(command) ?? new Set()
        this.#firstArguments.set(command, words.add(name.slice(pipe + 1)))
        return
      }
    }
    // A module's command, which the backend may tell of later.
    if (pipe < 0 && name.includes('.')) this.#unknown.set(name, allow)
    else throw refused(rule, 'Unknown command or category name in ACL')
  }

  /** With all subcommands. */
  #allow(id: number, allow: boolean): void {
    this.#allowed[id] = allow ? 1 : 0
    this.#firstArguments.delete(id)
    if ((this.#table.flags[id]! & CommandFlag.CONTAINER) === 0) return
    for (const subcommand of this.#table.subcommands(id)) this.#allowed[subcommand] = allow ? 1 : 0
  }
}

const ANY = Buffer.from('*')
const NO_KEY = 'NOPERM this user has no permissions to access one of the keys used as arguments'
const NO_CHANNEL = 'NOPERM this user has no permissions to access one of the channels used as arguments'

const noCommand = (name: string): string => `NOPERM this user has no permissions to run the '${name}' command`

const refused = (rule: string, why: string): RangeError => new RangeError(`ACL rule '${rule}': ${why}`, { cause: why })

const text = (bytes: Uint8Array, spans: ArrayLike<number>, index: number): string =>
  Buffer.from(bytes.subarray(spans[2 * index]!, spans[2 * index + 1]!)).toString('latin1')

function patternOf(rule: string, from: number): Buffer {
  if (/[\s\0]/.test(rule)) throw refused(rule, 'Syntax error')
  return Buffer.from(rule.slice(from))
}

function wantedAccess(flags: number): number {
  const writes = flags & (KeyFlag.UPDATE | KeyFlag.INSERT | KeyFlag.DELETE)
  return (flags & KeyFlag.ACCESS ? READ : 0) | (writes ? WRITE : 0)
}
