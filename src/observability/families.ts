/** Every metric family of the product in one place: the README's table is generated from it. */
export interface Family {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels: readonly string[]
  /** Upper bounds of a histogram's buckets in the family's unit. */
  readonly bounds?: readonly number[]
}

/** 50 microseconds to 10 seconds: a proxy's own latency lies at the lower end, a blocking command's at the upper. */
export const LATENCY_BOUNDS_SECONDS = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const

export const FAMILIES = {
  portolan_requests_total: {
    type: 'counter',
    help: 'Requests answered, by operation and outcome.',
    labels: ['listener', 'operation', 'outcome'],
  },
  portolan_request_duration_seconds: {
    type: 'histogram',
    help: 'Time from a request being read whole until its response begins to leave; of MySQL until all of it has come.',
    labels: ['listener', 'operation'],
    bounds: LATENCY_BOUNDS_SECONDS,
  },
  portolan_slow_requests_total: {
    type: 'counter',
    help: 'Requests that took longer than the slow log threshold.',
    labels: ['listener'],
  },
  portolan_downstream_connections: {
    type: 'gauge',
    help: 'Connections of applications that are open now.',
    labels: ['listener'],
  },
  portolan_downstream_connections_total: {
    type: 'counter',
    help: 'Connections of applications that were accepted, refused as one too many, or failed before their protocol began.',
    labels: ['listener', 'outcome'],
  },
  portolan_downstream_bytes_total: {
    type: 'counter',
    help: 'Bytes received from applications and sent to them; `direction` is `received` or `sent`.',
    labels: ['listener', 'direction'],
  },
  portolan_protocol_errors_total: {
    type: 'counter',
    help: 'Connections ended because a peer broke its protocol.',
    labels: ['listener', 'side', 'kind'],
  },
  portolan_upstream_connections: {
    type: 'gauge',
    help: 'Connections to a backend that are open now, by what they are used for.',
    labels: ['backend', 'use'],
  },
  portolan_upstream_connects_total: {
    type: 'counter',
    help: 'Attempts to connect to a backend.',
    labels: ['backend', 'outcome'],
  },
  portolan_upstream_in_flight: {
    type: 'gauge',
    help: 'Requests sent to a backend and not answered yet.',
    labels: ['backend'],
  },
  portolan_upstream_queue: {
    type: 'gauge',
    help: 'Sessions that wait for an exclusive connection.',
    labels: ['backend'],
  },
  portolan_upstream_up: {
    type: 'gauge',
    help: '1 while a backend is reachable.',
    labels: ['backend'],
  },
  portolan_upstream_endpoint_up: {
    type: 'gauge',
    help: '1 while an endpoint answers; `endpoint` is its place in the configuration, from 1, `role` its part in the topology.',
    labels: ['backend', 'endpoint', 'role'],
  },
  portolan_upstream_lag_seconds: {
    type: 'gauge',
    help: 'How far a replica is behind, by its own account; `endpoint` is its place in the configuration, from 1.',
    labels: ['backend', 'endpoint'],
  },
  portolan_upstream_failovers_total: {
    type: 'counter',
    help: 'How often another server than before became the one that is written to.',
    labels: ['backend'],
  },
  portolan_upstream_repeats_total: {
    type: 'counter',
    help: 'Requests that provably had not run where they were sent, and were sent again to another connection.',
    labels: ['backend'],
  },
  portolan_s3_errors_total: {
    type: 'counter',
    help: 'Answers of S3 that told an error; `status` is that of HTTP, `backend` is empty for those of Portolan itself.',
    labels: ['listener', 'backend', 'status'],
  },
  portolan_upstream_kill_failures_total: {
    type: 'counter',
    help: 'Statements of clients that have gone, or of KILL, which may run on: they could not be ended on the server.',
    labels: ['backend'],
  },
  portolan_rows_total: {
    type: 'counter',
    help: 'Rows that statements have returned to applications, and rows that they have changed; `kind` is `returned` or `affected`.',
    labels: ['listener', 'kind'],
  },
  portolan_pinned_sessions: {
    type: 'gauge',
    help: 'Sessions that are tied to a connection now, by reason; one with several reasons counts for each.',
    labels: ['listener', 'reason'],
  },
  portolan_pins_total: {
    type: 'counter',
    help: 'How often sessions were tied to a connection, by reason.',
    labels: ['listener', 'reason'],
  },
  portolan_pin_seconds_total: {
    type: 'counter',
    help: 'Time in which sessions were tied to a connection, by reason; its rate is how many are on average.',
    labels: ['listener', 'reason'],
  },
  portolan_subscriptions: {
    type: 'gauge',
    help: 'Channels and patterns that applications are subscribed to.',
    labels: ['listener'],
  },
  portolan_build_info: {
    type: 'gauge',
    help: 'Always 1; the labels tell the version of Portolan and of Node.js.',
    labels: ['version', 'node'],
  },
  portolan_config_reloads_total: {
    type: 'counter',
    help: 'Reloads of the configuration, by outcome: applied, unchanged or refused.',
    labels: ['outcome'],
  },
  portolan_config_last_reload_successful: {
    type: 'gauge',
    help: '1 unless the last reload was refused.',
    labels: [],
  },
  portolan_event_loop_active_seconds_total: {
    type: 'counter',
    help: 'Time in which the event loop was busy; its rate is the utilization of the process, at most 1.',
    labels: [],
  },
} as const satisfies Record<string, Family>

export type FamilyName = keyof typeof FAMILIES
