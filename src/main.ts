/** Process entry: hands the registries to the command line. */
import { protocols } from '../listeners/index.ts'
import { backendKinds } from './backends/index.ts'
import { main } from './cli/index.ts'
import { componentKinds } from './components/index.ts'

void main(process.argv.slice(2), { protocols, backendKinds, componentKinds }).then(code => process.exit(code))
