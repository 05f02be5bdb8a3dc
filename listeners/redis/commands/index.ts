/** Which commands need more than being passed on, and what does it. Everything else goes to the backend as it is. */
import type { Handler } from '../command-handler.ts'
import { acl, auth, hello } from './authentication.ts'
import {
  blocking,
  monitor,
  replicaConfiguration,
  replication,
  runScript,
  script,
  shutdown,
  stateful,
  streamRead,
  waiting,
} from './blocking.ts'
import { client } from './client.ts'
import { quit, reset, select } from './connection.ts'
import { info } from './info.ts'
import { ping, publish, pubsub, subscribe, unsubscribe } from './pubsub.ts'
import { discard, exec, multi, unwatch, watch } from './transaction.ts'

export { afterLoss } from './transaction.ts'

export const HANDLERS: Readonly<Record<string, Handler>> = {
  auth,
  hello,
  select,
  reset,
  quit,
  client,
  ping,
  multi,
  exec,
  discard,
  watch,
  unwatch,
  subscribe: subscribe('channel'),
  psubscribe: subscribe('pattern'),
  ssubscribe: subscribe('shard'),
  unsubscribe: unsubscribe('channel'),
  punsubscribe: unsubscribe('pattern'),
  sunsubscribe: unsubscribe('shard'),
  publish: publish('channel'),
  spublish: publish('shard'),
  pubsub,
  xread: streamRead,
  xreadgroup: streamRead,
  wait: waiting,
  waitaof: waiting,
  script,
  function: script,
  eval: runScript,
  eval_ro: runScript,
  evalsha: runScript,
  evalsha_ro: runScript,
  fcall: runScript,
  fcall_ro: runScript,
  shutdown,
  info,
  himport: stateful,
  readonly: stateful,
  readwrite: stateful,
  asking: stateful,
  monitor,
  sync: replication,
  psync: replication,
  replconf: replicaConfiguration,
  acl,
}

/** For whatever the backend flags as blocking and has no handler above. */
export const BLOCKING = blocking
