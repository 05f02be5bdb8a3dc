/** The sink of the process's logger: redacted lines to standard output, written by pino as JSON, or as text for people. */
import { pino } from 'pino'
import { LogOutput } from './log-output.ts'
import type { LogFields } from './logger.ts'
import type { LogLine, LogSink } from './process-logger.ts'
import { redactFields, redactText } from './redact.ts'

/** Opens a file descriptor. */
export function openPino(fd: number): LogSink {
  const output = new LogOutput(fd)
  const put = (line: string) => output.write(redactText(line))
  const json = pino(
    { level: 'debug', base: null, timestamp: false, formatters: { level: label => ({ level: label }) } },
    { write: put },
  )
  return {
    write({ level, time, fields, message }, format) {
      const safe = redactFields(fields) as LogFields
      if (format === 'json') json[level]({ time: new Date(time).toISOString(), ...safe }, message)
      else put(textLine({ level, time, fields: safe, message }))
    },
    flush: () => output.flush(),
    flushSync: () => output.flushSync(),
  }
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
