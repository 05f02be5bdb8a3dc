import { memoryConfiguration } from '../../../src/components/configuration/memory.ts'
import { configurationConformance } from '../../conformance/configuration.ts'
import { openStore } from '../open.ts'

configurationConformance({ features: memoryConfiguration.features, open: () => openStore(memoryConfiguration) })
