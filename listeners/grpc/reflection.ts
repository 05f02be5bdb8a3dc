/**
 * gRPC's server reflection (v1 and v1alpha): what tools such as grpcurl ask for when they have no .proto files. The
 * descriptors are made when somebody asks.
 */
import type { PluginSchema } from '../../src/plugins/index.ts'
import type { Incoming, Outgoing, Service } from './rpc.ts'
import type { DescribedFile } from './schema-files.ts'
import { status } from './status.ts'

interface Request {
  readonly host: string
  readonly file_by_filename: string
  readonly file_containing_symbol: string
  readonly list_services: string
  /** Which of the fields above was sent. */
  readonly message_request?: string
}

/** `plugins`: schemas beside our own. */
export function reflectionServices(
  names: readonly string[],
  plugins: readonly PluginSchema[] = [],
): readonly Service[] {
  return ['grpc.reflection.v1', 'grpc.reflection.v1alpha'].map(version => ({
    name: `${version}.ServerReflection`,
    methods: {
      ServerReflectionInfo(incoming: Incoming<Request>, out: Outgoing) {
        let last: Promise<unknown> = Promise.resolve()
        incoming.onMessage(request => {
          last = last.then(async () => {
            out.write({
              valid_host: request.host,
              original_request: request,
              ...(await answer(request, names, plugins)),
            })
          })
          last.catch(error => out.fail(error))
        })
        incoming.onEnd(() => void last.then(() => out.end()))
      },
    },
  }))
}

async function answer(request: Request, names: readonly string[], plugins: readonly PluginSchema[]): Promise<object> {
  const { file_by_filename, file_containing_symbol } = request
  if (Object.hasOwn(request, 'list_services'))
    return { list_services_response: { service: names.map(name => ({ name })) } }
  const { describeFiles } = await import('./schema-files.ts')
  const files = [
    ...describeFiles(),
    ...plugins.flatMap(({ root, service }) => describeFiles(root, service.fullName.slice(1))),
  ]
  if (file_by_filename)
    return found(
      files.filter(file => file.name === file_by_filename),
      file_by_filename,
    )
  if (file_containing_symbol) {
    const holds = ({ symbols }: DescribedFile) =>
      symbols.some(symbol => file_containing_symbol === symbol || file_containing_symbol.startsWith(`${symbol}.`))
    return found(files.filter(holds), file_containing_symbol)
  }
  return failure(status.UNIMPLEMENTED, 'nothing has extensions here')
}

function found(files: readonly DescribedFile[], what: string): object {
  const [file] = files
  if (!file) return failure(status.NOT_FOUND, `${what} is not known here`)
  return { file_descriptor_response: { file_descriptor_proto: [file.bytes] } }
}

function failure(error_code: number, error_message: string): object {
  return { error_response: { error_code, error_message } }
}
