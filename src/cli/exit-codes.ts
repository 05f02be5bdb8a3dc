/** The exit codes of the program; `portolan help` lists them. */
import { constants } from 'node:os'

export const EXIT = {
  ok: 0,
  invalidConfiguration: 1,
  usage: 2,
  probeFailed: 3,
  notStarted: 4,
  internalError: 70,
  commandNotStarted: 127,
} as const

/** What shells report for a process that a signal has ended. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}

export const EXIT_CODES_HELP = `
Exit codes:
  0      all went well
  1      the configuration is invalid
  2      wrong usage of the command line
  3      a probe of a backend failed, or a part could not be built (check --probe)
  4      an address could not be bound, or a part could not be built
  70     internal error: a bug in Portolan
  127    run -- command: the command could not be started
  128+n  ended at once by signal n, such as by a second Ctrl-C
  else   run -- command: the exit code of the command`
