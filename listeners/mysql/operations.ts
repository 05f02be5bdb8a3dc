/** What requests are called in metrics and logs: statements by their kind, all else by the command, such as `com-ping`. */
import {
  COM_QUERY,
  COM_STMT_BULK_EXECUTE,
  COM_STMT_EXECUTE,
  commandFacts,
  StatementKind,
  statementKindNames,
} from '../../codecs/mysql/index.ts'

const COMMANDS = 256

/** The names, by operation less one; operation 0 is not used. */
export const OPERATIONS: readonly string[] = [
  ...statementKindNames,
  ...Array.from({ length: COMMANDS }, (_, command) => {
    const name = commandFacts(command).name.toLowerCase().replaceAll('_', '-')
    return name === 'unknown' ? name : `com-${name}`
  }),
]

const FIRST_COMMAND = statementKindNames.length + 1

/** The operation of a command; `kind` is the StatementKind of the text that it runs, EMPTY when it runs none. */
export function operationOf(command: number, kind: number): number {
  if (command === COM_QUERY) return kind + 1
  const runsPrepared = command === COM_STMT_EXECUTE || command === COM_STMT_BULK_EXECUTE
  return runsPrepared && kind !== StatementKind.EMPTY ? kind + 1 : FIRST_COMMAND + command
}

/** Runs a statement, as text or prepared. */
export const isStatement = (operation: number): boolean => operation < FIRST_COMMAND

export const operationName = (operation: number): string => OPERATIONS[operation - 1] ?? 'unknown'
