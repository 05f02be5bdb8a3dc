/**
 * The data directory of the embedded mariadbd, made by MariaDB's own script. It is made under another name and renamed
 * when it is whole: what was begun and not finished is recognised by its name, removed and done again.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { ProxyError } from '../../errors.ts'
import { daemonEnvironment, notInstalled } from '../../supervise/index.ts'

export interface InitialiseOptions {
  /** mariadbd, as a name on the PATH or a path: then the script of that installation is used. */
  readonly binary: string
  /** Options of mariadbd that decide how files are made. */
  readonly settings: readonly string[]
  /** The folder for temporary files. */
  readonly temporary: string
  /** Ends it at once. */
  readonly signal: AbortSignal
}

const SCRIPT = 'mariadb-install-db'
const UNFINISHED = 'new-'
const TAIL_BYTES = 2_000

/** Makes `data` in the directory unless it is there. Rejects with a ProxyError that says what to do. */
export async function initialise(directory: string, options: InitialiseOptions): Promise<void> {
  const data = join(directory, 'data')
  if (existsSync(data)) return
  for (const name of readdirSync(directory)) {
    if (name.startsWith(UNFINISHED)) rmSync(join(directory, name), { recursive: true, force: true })
  }
  const unfinished = mkdtempSync(join(directory, UNFINISHED))
  await run(unfinished, options)
  renameSync(unfinished, data)
}

function run(datadir: string, { binary, settings, temporary, signal }: InitialiseOptions): Promise<void> {
  const [script, base] = installation(binary)
  const args = ['--no-defaults', ...base, `--datadir=${datadir}`, ...settings, '--force', '--skip-test-db']
  // Who runs Portolan may be root at the server, by the socket.
  args.push('--auth-root-authentication-method=socket', ...ownName())
  // As the script's --user this would also take over files of the system's own MariaDB.
  if (process.getuid?.() === 0) args.push('-uroot')
  return new Promise((resolve, reject) => {
    // Not as an option: the script would part it at spaces.
    const env = { ...daemonEnvironment(), TMPDIR: temporary }
    const child = spawn(script, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, env })
    // The script and what it runs, which would otherwise stay.
    const kill = () => child.pid !== undefined && process.kill(-child.pid, 'SIGKILL')
    signal.addEventListener('abort', kill, { once: true })
    let output = ''
    const hear = (text: string) => {
      output = (output + text).slice(-TAIL_BYTES)
    }
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', hear)
    child.once('error', error => reject(notInstalled(script, 'mariadb-server-core', error)))
    child.once('close', code => {
      signal.removeEventListener('abort', kill)
      if (code === 0) return resolve()
      const message = `${SCRIPT} could not make the data directory:\n${output.trim()}`
      reject(new ProxyError('embedded-start', message, { source: 'portolan' }))
    })
  })
}

/** The script, and where it finds the rest of its installation. */
function installation(binary: string): readonly [script: string, base: readonly string[]] {
  if (!binary.includes('/')) return [SCRIPT, []]
  const base = dirname(dirname(binary))
  const script = ['bin', 'scripts'].map(folder => join(base, folder, SCRIPT)).find(path => existsSync(path))
  return script === undefined ? [SCRIPT, []] : [script, [`--basedir=${base}`]]
}

/** A user id without a name, as in some containers, stays without an account. */
function ownName(): string[] {
  try {
    return [`--auth-root-socket-user=${userInfo().username}`]
  } catch {
    return []
  }
}
