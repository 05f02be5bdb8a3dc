/** The sink of the process's logger: redacted lines to standard output, written by pino as JSON, or as text for people. */
import { destination, pino } from 'pino'
import type { LogLine, LogSink } from './process-logger.ts'
import { redactFields, redactText } from './redact.ts'

/** Opens a file descriptor. Losing it is no reason to stop serving. */
export function openPino(format: 'json' | 'text', fd: number): LogSink {
  const out = destination({ fd, sync: false, minLength: 0 })
  out.on('error', () => {})
  const put = (line: string) => void out.write(redactText(line))
  const write = format === 'json' ? jsonWriter(put) : (line: LogLine) => put(textLine(line))
  return {
    write: line => write({ ...line, fields: redactFields(line.fields) as LogLine['fields'] }),
    flush() {
      try {
        out.flushSync()
      } catch {
        // A closed or blocked standard output cannot hold up the end of the process.
      }
    },
  }
}

function jsonWriter(put: (line: string) => void): (line: LogLine) => void {
  const logger = pino(
    { level: 'debug', base: null, timestamp: false, formatters: { level: label => ({ level: label }) } },
    { write: put },
  )
  return ({ level, time, fields, message }) => logger[level]({ time: new Date(time).toISOString(), ...fields }, message)
}

/** `2026-01-02T03:04:05.678Z info  listening listener=cache address=127.0.0.1:6379`, and a stack below it. */
export function textLine({ level, time, fields, message }: LogLine): string {
  let line = `${new Date(time).toISOString()} ${level.padEnd(5)} ${message}`
  let stack = ''
  for (const [name, value] of Object.entries(fields)) {
    if (isErrorFields(value)) {
      line += ` ${name}=${JSON.stringify(value.message)}`
      stack += `\n${value.stack.replaceAll(/^/gm, '    ')}`
    } else {
      line += ` ${name}=${typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)}`
    }
  }
  return `${line}${stack}\n`
}

function isErrorFields(value: unknown): value is { message: string; stack: string } {
  return typeof value === 'object' && value !== null && 'stack' in value && typeof value.stack === 'string'
}
