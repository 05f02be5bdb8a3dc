/** The last line of defence: an error that nobody caught is a bug, and a process in an unknown state must not go on. */
import type { ProcessLogger } from '../observability/process-logger.ts'
import { EXIT } from './exit-codes.ts'

/** Logs what nobody caught, with its stack, and ends the process; before that it calls onEnd. */
export function endOnBugs(logger: ProcessLogger, onEnd: () => void): void {
  process.on('uncaughtException', (error, origin) => {
    logger.error({ error, origin }, 'nobody caught this error; it is a bug in Portolan, which ends here')
    logger.flushSync()
    onEnd()
    process.exit(EXIT.internalError)
  })
}

/** A reader of our output that has gone away is no bug of ours, and no reason to stop serving. */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
}
