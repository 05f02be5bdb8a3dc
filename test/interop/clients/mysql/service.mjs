// What the programs on clients of MySQL talk to: a server with an account for each way to log in, and before it, when it
// is not direct, Portolan with few connections to the server, which neighbours share.
import { support } from '../../lib/support.mjs'
import { startTarget } from '../../lib/target.mjs'
import { startNeighbours } from './neighbours.mjs'

/** Of the backend: fewer than the connections that the programs and the neighbours hold. */
const POOL_MAX = 4

/** Names and passwords; the programs know them, too. */
const PASSWORDS = { app: 'app', native: 'native-secret', sha256: 'sha256-secret', empty: '' }

const ALL = "TO '{}'@'%' WITH GRANT OPTION"
// EMPTY is a word of MySQL's own.
const account = (name, how) => [`CREATE USER '${name}'@'%' ${how}`, `GRANT ALL ON *.* ${ALL.replace('{}', name)}`]

const SERVERS = {
  mariadb: [
    ...account('native', `IDENTIFIED VIA mysql_native_password USING PASSWORD('${PASSWORDS.native}')`),
    ...account('empty', "IDENTIFIED BY ''"),
  ],
  mariadb11: [
    ...account('native', `IDENTIFIED VIA parsec USING PASSWORD('${PASSWORDS.native}')`),
    ...account('empty', "IDENTIFIED BY ''"),
  ],
  mysql9: [
    ...account('native', `IDENTIFIED BY '${PASSWORDS.native}'`),
    ...account('sha256', `IDENTIFIED WITH sha256_password BY '${PASSWORDS.sha256}'`),
    ...account('empty', "IDENTIFIED BY ''"),
  ],
}

/** Further options of the servers; MySQL keeps a binary log anyhow. */
const ARGS = {
  mariadb: ['--max-allowed-packet=256M', '--log-bin', '--server-id=1'],
  mariadb11: ['--max-allowed-packet=256M'],
  mysql9: ['--max-allowed-packet=256M'],
}

/**
 * The start of such a service: `{ env, alive(), log(), stop() }`, where `env` is what the programs are told, and `stop`
 * returns further cases, each with why it failed or undefined.
 */
export function startMysqlService(server) {
  return async through => {
    const { Authority } = await support('net/certificates.ts')
    const authority = new Authority()
    const identity = authority.issue('localhost')
    const target = await startTarget(through, {
      server,
      options: {
        sql: SERVERS[server],
        tls: { ...identity, ca: authority.cert },
        args: ARGS[server],
      },
      portolan: {
        env: { INTEROP_APP: PASSWORDS.app, INTEROP_NATIVE: PASSWORDS.native, INTEROP_SHA256: PASSWORDS.sha256 },
        listener: { users: Object.keys(PASSWORDS).map(user), tls: identity },
        backend: { pool: { max: POOL_MAX } },
      },
    })
    const neighbours = through === 'direct' ? undefined : await startNeighbours(target.port)
    return {
      env: {
        MYSQL_HOST: target.host,
        MYSQL_PORT: String(target.port),
        MYSQL_CA: authority.cert,
        MYSQL_SERVER: server,
      },
      alive: () => target.alive(),
      log: () => target.log(),
      async stop() {
        const failure = await neighbours?.stop()
        await target.stop()
        authority.remove()
        return [['neighbours', failure]]
      },
    }
  }
}

function user(name) {
  return PASSWORDS[name] === '' ? { name } : { name, password: { env: `INTEROP_${name.toUpperCase()}` } }
}
