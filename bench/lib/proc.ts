/**
 * Processor time and memory of a process and its descendants, read from /proc (Linux only).
 * Run time of the scheduler is exact; utime + stime is kept as a cross-check.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

export interface CpuTime {
  /** Run time of all living threads in microseconds, from schedstat. */
  readonly runUs: number
  /** utime + stime of the processes in microseconds, in steps of a clock tick. */
  readonly tickUs: number
  /** Time the living threads were ready to run but had to wait for a core, in microseconds. */
  readonly waitUs: number
}

export interface Memory {
  readonly rssBytes: number
  readonly pssBytes: number
}

const TICK_US = 10_000 // USER_HZ is 100 on every Linux that Node supports

/** The fields of /proc/PID/stat from the third on; the second, the name, may hold blanks and parentheses. */
function statFields(text: string): string[] {
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

/** The parent's id from the text of /proc/PID/stat. */
export function parseParent(stat: string): number {
  return Number(statFields(stat)[1])
}

/** utime + stime in microseconds from the text of /proc/PID/stat. */
export function parseTicksUs(stat: string): number {
  const fields = statFields(stat)
  return (Number(fields[11]) + Number(fields[12])) * TICK_US
}

/** Run and waiting time in microseconds from the text of a schedstat file: "run wait slices", in nanoseconds. */
export function parseSchedule(schedstat: string): { runUs: number; waitUs: number } {
  const [run, wait] = schedstat.split(' ')
  return { runUs: Number(run) / 1000, waitUs: Number(wait) / 1000 }
}

/** Rss and Pss in bytes from the text of smaps_rollup. */
export function parseMemory(rollup: string): Memory {
  const bytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1]) * 1024
  return { rssBytes: bytes('Rss'), pssBytes: bytes('Pss') }
}

/** The most that was resident at a time, in bytes, from the text of /proc/PID/status. */
export function parsePeak(status: string): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) * 1024
}

/** The process and all its living descendants. */
export function processTree(pid: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = readOrEmpty(`/proc/${name}/stat`)
    if (stat === '') continue
    const parent = parseParent(stat)
    children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const found = [pid]
  for (const member of found) found.push(...(children.get(member) ?? []))
  return found
}

/** Processor time of these processes so far. */
export function readCpu(pids: readonly number[]): CpuTime {
  let runUs = 0
  let waitUs = 0
  let tickUs = 0
  for (const pid of pids) {
    tickUs += parseTicksUs(readFileSync(`/proc/${pid}/stat`, 'latin1'))
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      const text = readOrEmpty(`/proc/${pid}/task/${task}/schedstat`)
      if (text === '') continue
      const schedule = parseSchedule(text)
      runUs += schedule.runUs
      waitUs += schedule.waitUs
    }
  }
  return { runUs, tickUs, waitUs }
}

/** What was used between two readings. */
export function cpuBetween(before: CpuTime, after: CpuTime): CpuTime {
  return {
    runUs: after.runUs - before.runUs,
    tickUs: after.tickUs - before.tickUs,
    waitUs: after.waitUs - before.waitUs,
  }
}

/** Resident memory of these processes now. */
export function readMemory(pids: readonly number[]): Memory {
  let rssBytes = 0
  let pssBytes = 0
  for (const pid of pids) {
    const memory = parseMemory(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))
    rssBytes += memory.rssBytes
    pssBytes += memory.pssBytes
  }
  return { rssBytes, pssBytes }
}

/** Has the kernel forget the most that was resident until now. */
export function resetPeak(pids: readonly number[]): void {
  for (const pid of pids) writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

/** The most that was resident since resetPeak(), of each process on its own. */
export function readPeak(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + parsePeak(readFileSync(`/proc/${pid}/status`, 'latin1')), 0)
}

/** Threads and processes come and go between listing and reading; what is gone counts as nothing. */
function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
