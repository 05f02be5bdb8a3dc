/** `portolan run`: from the configuration files to a drained process, alone or around an application's command. */
import { type App, createApp } from '../app.ts'
import { type AppConfig, ConfigError, loadConfig, type Registry, renderProblems } from '../config/index.ts'
import { StartError } from '../generation.ts'
import { ProcessLogger } from '../observability/process-logger.ts'
import { redactText } from '../observability/redact.ts'
import { endOnBugs, outliveReaders } from './bugs.ts'
import { Command } from './command.ts'
import { ConfigWatch } from './config-watch.ts'
import { environmentOf } from './environment.ts'
import { EXIT } from './exit-codes.ts'
import { Signals } from './signals.ts'
import { boundYoungGeneration } from './young-generation.ts'

export interface RunOptions {
  readonly files: readonly string[]
  readonly watch: boolean
  /** The application's command and arguments; empty to run alone. */
  readonly command: readonly string[]
}

/** Serves until a signal, or until the command ends. Resolves with the exit code; what is to be said has been said. */
export async function run(options: RunOptions, registry: Registry): Promise<number> {
  let command: Command | undefined
  const killCommand = () => command?.kill('SIGKILL')
  // A terminal sends Ctrl-C to the command as well, which decides what it means: many a shell goes on.
  const signals = new Signals(killCommand, { ignoreInterrupt: options.command.length > 0 && process.stdin.isTTY })
  // A command has standard output for itself.
  const logger = new ProcessLogger(options.command.length > 0 ? 2 : 1)
  endOnBugs(logger, killCommand)

  let app: App
  try {
    app = await start(options.files, registry, logger)
  } catch (error) {
    outliveReaders()
    return explain(error)
  }
  // Not before: the streams take their time, and a start writes to them only to say why it ends.
  outliveReaders()
  boundYoungGeneration()
  signals.onHangup(() => void app.reloadFromSource())
  const watch = options.watch ? new ConfigWatch(options.files, logger, () => void app.reloadFromSource()) : undefined

  let code: number = EXIT.ok
  if (options.command.length > 0) {
    command = new Command(options.command, environmentOf(app.generation.listeners.values(), registry.protocols))
    void signals.stop.then(signal => command?.kill(signal))
    code = await endOf(command, options.command[0]!)
    logger.info({ code }, 'the command has ended')
  } else {
    logger.info({ signal: await signals.stop }, 'stopping')
  }
  watch?.close()
  await app.drain(app.generation.config.shutdown.graceMs)
  logger.info({}, 'stopped')
  await logger.flush()
  return code
}

async function start(files: readonly string[], registry: Registry, logger: ProcessLogger): Promise<App> {
  const load = async (): Promise<AppConfig> => {
    const { config, warnings } = await loadConfig(files, registry)
    for (const warning of warnings) logger.warn({}, renderProblems([warning]))
    return config
  }
  const onConfig = (config: AppConfig) => void logger.open(config.log)
  const app = createApp(await load(), { ...registry, logger, load, onConfig })
  await app.start()
  return app
}

/** Says on standard error why it does not start; what is no fault of the user goes on as a bug. */
function explain(error: unknown): number {
  if (!(error instanceof ConfigError || error instanceof StartError)) throw error
  process.stderr.write(`${redactText(error.message)}\n`)
  return error instanceof ConfigError ? EXIT.invalidConfiguration : EXIT.notStarted
}

async function endOf(command: Command, program: string): Promise<number> {
  try {
    return await command.ended
  } catch (error) {
    process.stderr.write(`portolan: cannot start ${program}: ${(error as Error).message}\n`)
    return EXIT.commandNotStarted
  }
}
