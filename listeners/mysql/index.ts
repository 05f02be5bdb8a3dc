/** The MySQL protocol: MySQL's and MariaDB's clients, pooled. */
import type { Protocol } from '../../src/protocol.ts'
import { MysqlListener } from './listener.ts'
import { type MysqlListenerOptions, mysqlListenerOptions } from './options.ts'

export const mysql: Protocol = {
  name: 'mysql',
  options: mysqlListenerOptions,
  exposed: options => {
    const { users, tls, authentication } = options as MysqlListenerOptions
    return users.length > 0 || authentication === 'relay' || tls?.requireClientCertificate === true
  },
  environment: (_config, address) => {
    if (address.startsWith('/')) return { MYSQL_UNIX_PORT: address }
    const [host, port] = [address.slice(0, address.lastIndexOf(':')), address.slice(address.lastIndexOf(':') + 1)]
    return { MYSQL_HOST: host, MYSQL_TCP_PORT: port, MYSQL_PORT: port }
  },
  build: (config, runtime) => new MysqlListener(config, runtime),
}
