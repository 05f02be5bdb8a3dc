import { memorySequencer } from '../../../src/components/sequencer/memory.ts'
import { sequencerConformance } from '../../conformance/sequencer.ts'
import { openStore } from '../open.ts'

sequencerConformance({ features: memorySequencer.features, open: () => openStore(memorySequencer) })
