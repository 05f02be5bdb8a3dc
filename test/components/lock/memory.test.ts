import { memoryLock } from '../../../src/components/lock/memory.ts'
import { lockConformance } from '../../conformance/lock.ts'
import { openStore } from '../open.ts'

lockConformance({ features: memoryLock.features, open: () => openStore(memoryLock), leaseMs: 100 })
