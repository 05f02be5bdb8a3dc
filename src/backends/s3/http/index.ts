/** An HTTP/1.1 client on raw sockets: pooled connections to the endpoints of one service. */
export type { HttpExchange, HttpRequest, HttpSink } from './exchange.ts'
export { HttpPool, type HttpPoolMetrics, type HttpPoolOptions, type HttpPoolRuntime } from './pool.ts'
