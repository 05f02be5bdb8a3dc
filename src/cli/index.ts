/** The command line: one file per command, loaded when it is used. */
import { Command, CommanderError } from 'commander'
import type { Registry } from '../config/index.ts'
import { redactText } from '../observability/redact.ts'
import { VERSION } from '../version.ts'
import { EXIT, EXIT_CODES_HELP } from './exit-codes.ts'

/** Runs a command line, without node and script in front. Resolves with the exit code. */
export async function main(args: readonly string[], registry: Registry): Promise<number> {
  // Cut here because commander would take what was given without -c for a command.
  const cut = args.indexOf('--')
  const own = cut < 0 ? args : args.slice(0, cut)
  const command = cut < 0 ? undefined : args.slice(cut + 1)
  let code: number = EXIT.ok
  const program = createProgram(registry, command, result => {
    code = result
  })
  try {
    await program.parseAsync(own, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    const stack = error instanceof Error ? error.stack : String(error)
    process.stderr.write(`portolan: internal error, a bug: ${redactText(String(stack))}\n`)
    return EXIT.internalError
  }
}

function createProgram(
  registry: Registry,
  command: readonly string[] | undefined,
  onEnd: (code: number) => void,
): Command {
  const program = new Command('portolan')
    .description('A sidecar that speaks Redis, MySQL and S3 to the application and forwards to any cloud.')
    .version(VERSION, '-V, --version', 'print the version')
    .exitOverride()
    .showHelpAfterError('(portolan help lists the commands and exit codes)')
    .addHelpText('after', EXIT_CODES_HELP)
    .hook('preAction', (_, action) => {
      if (command && action.name() !== 'run') action.error(`error: only run takes a command after --`)
      if (command?.length === 0) action.error('error: there is no command after --')
    })

  const files = [
    '-c, --config <file>',
    'configuration file; repeat it to merge several, later ones win per key',
    (file: string, earlier: string[] | undefined) => [...(earlier ?? []), file],
  ] as const

  program
    .command('run')
    .description('serve until a signal; with -- command, until that command ends')
    .usage('-c <file> [-c <file>...] [--watch] [-- command [args...]]')
    .requiredOption(...files)
    .option('--watch', 'reload when the content of the files changes', false)
    .addHelpText('after', RUN_HELP)
    .action(async ({ config, watch }: { config: string[]; watch: boolean }) => {
      const { run } = await import('./run.ts')
      onEnd(await run({ files: config, watch, command: command ?? [] }, registry))
    })

  program
    .command('check')
    .description('validate the configuration without binding a port')
    .requiredOption(...files)
    .option(
      '--probe',
      'also read the TLS files, connect to each backend, authenticate, and report version, latency and topology',
      false,
    )
    .option('--json', 'print one JSON object', false)
    .action(async ({ config, probe, json }: { config: string[]; probe: boolean; json: boolean }) => {
      const { runCheck } = await import('./check.ts')
      onEnd(await runCheck({ files: config, probe, json, registry, out: process.stdout }))
    })

  program
    .command('features')
    .description('print what each type of component can do; with -c, what the configuration requires and gets')
    .option(...files)
    .option('--json', 'print one JSON object', false)
    .action(async ({ config = [], json }: { config?: string[]; json: boolean }) => {
      const { runFeatures } = await import('./features.ts')
      onEnd(await runFeatures({ files: config, json, registry, out: process.stdout }))
    })

  program
    .command('plugin')
    .description('work on plug-ins: services of your own')
    .command('verify')
    .argument('<folder>', 'with a plugin.yaml')
    .description('run the conformance file with each implementation; when all passes, write the proof')
    .action(async (folder: string) => {
      const { runPluginVerify } = await import('./plugin.ts')
      onEnd(await runPluginVerify(folder, process.stdout))
    })

  program
    .command('schema')
    .description('print the JSON Schema of the configuration, for editors')
    .action(async () => {
      const { runSchema } = await import('./schema.ts')
      onEnd(runSchema({ registry, out: process.stdout }))
    })

  program
    .command('version')
    .description('print the version, and that of Node.js')
    .action(() => void process.stdout.write(`portolan ${VERSION} (node ${process.versions.node})\n`))

  return program
}

const RUN_HELP = `
The command finds the listeners in its environment: REDIS_URL and the like, and PORTOLAN_<NAME>_ADDRESS for each. It gets
SIGTERM and SIGINT, and its exit code becomes ours.

Signals:
  SIGTERM, SIGINT  stop accepting, finish what is in flight within shutdown.grace, end; a second one ends at once
  SIGHUP           read the files again; what is invalid changes nothing`
