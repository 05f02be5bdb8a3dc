/** The quantities that rows measure, with the unit and the number of digits they are shown in. */

export const METRICS = {
  cpuUs: { title: 'CPU us/request', digits: 2 },
  rps: { title: 'requests/s', digits: 0 },
  p50Ms: { title: 'p50 ms', digits: 3 },
  p99Ms: { title: 'p99 ms', digits: 3 },
  p999Ms: { title: 'p99.9 ms', digits: 3 },
  startMs: { title: 'start ms', digits: 1 },
  startRatio: { title: 'start / empty script', digits: 2 },
  bytesPerClient: { title: 'bytes/idle client', digits: 0 },
  growthMb: { title: 'memory growth MB', digits: 1 },
  mbPerSecond: { title: 'MB/s', digits: 0 },
  gibPerCore: { title: 'GiB/s per core', digits: 2 },
  cpuMs: { title: 'CPU ms', digits: 0 },
  rssMb: { title: 'RSS MB', digits: 1 },
  pssMb: { title: 'PSS MB', digits: 1 },
  /** Cross-check of cpuUs by utime + stime, which the kernel counts another way. */
  tickUs: { title: 'CPU us/request by utime+stime', digits: 2 },
  /** Processor time of the backend per request: a proxy that batches lowers it. */
  backendUs: { title: 'backend CPU us/request', digits: 2 },
  cores: { title: 'cores used', digits: 2 },
  /** Share of the time in which the proxy could have run but its core was taken: more than 0.05 when pinned is noise. */
  waited: { title: 'waited for core', digits: 2 },
  /** How late the open-loop client itself was in sending; large values mean that the machine was not quiet. */
  lateP99Ms: { title: 'client late p99 ms', digits: 3 },
  lost: { title: 'requests without answer', digits: 0 },
  clients: { title: 'clients', digits: 0 },
} as const

export type Metric = keyof typeof METRICS
export type Sample = Partial<Record<Metric, number>>

/** The value with the metric's digits. */
export function formatMetric(metric: Metric, value: number): string {
  const { digits } = METRICS[metric]
  return digits === 0 ? Math.round(value).toLocaleString('en-US') : value.toFixed(digits)
}
