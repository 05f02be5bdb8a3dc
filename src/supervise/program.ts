/** What the kinds of private servers differ in, and all that their supervision has to know of them. */
import { delimiter } from 'node:path'
import { ProxyError } from '../errors.ts'

/** Where one server lives. */
export interface Place {
  /** The data directory: mode 0700, without symbolic links in its path. */
  readonly directory: string
  /** The only way to the server, in the data directory or, when that has a long name, elsewhere. */
  readonly socketPath: string
}

/** `busy` is a server that does not serve yet, or not any more. */
export type Presence = 'absent' | 'busy' | 'ready'

/** One kind of server with the options of its user. */
export interface Program {
  /** As messages call it, such as `redis-server`. */
  readonly name: string
  /** A name on the PATH or a path. */
  readonly binary: string
  /** The package that has it, in Debian's words. */
  readonly package: string
  /** What the user may change; who shares a running server with other options is told that they take effect later. */
  readonly options: object
  /** Readies the directory, before each launch. Rejects with a ProxyError that says what to do, soon after the signal. */
  prepare?(place: Place, signal: AbortSignal): Promise<void>
  arguments(place: Place): readonly string[]
  /** Who is on the socket; settles in bounded time and never rejects. */
  look(place: Place): Promise<Presence>
  /** Tells a server that has outlived its Portolan to end; settles in bounded time, whether or not it has ended. */
  endLeftOver(place: Place): Promise<void>
  /** Whether a line of the running server's output is worth a warning. */
  isWarning(line: string): boolean
}

/** Our environment, with the folders of daemons, which are not on everyone's PATH. */
export function daemonEnvironment(): NodeJS.ProcessEnv {
  const path = [process.env.PATH, '/usr/sbin', '/usr/local/sbin'].filter(Boolean).join(delimiter)
  return { ...process.env, PATH: path }
}

export function notInstalled(binary: string, debianPackage: string, cause: unknown): ProxyError {
  const message = `${binary} is not installed: "apt-get install ${debianPackage}", or your system's package of it`
  return new ProxyError('embedded-start', message, { source: 'portolan', cause })
}
