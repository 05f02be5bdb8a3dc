import { afterAll, beforeAll } from 'vitest'
import { redisSequencer } from '../../../src/components/sequencer/redis.ts'
import { sequencerConformance } from '../../conformance/sequencer.ts'
import { openStore } from '../open.ts'
import { type RedisBench, startRedisBench } from '../redis-backend.ts'

let bench: RedisBench

beforeAll(async () => {
  bench = await startRedisBench()
})
afterAll(() => bench?.stop())

sequencerConformance({
  features: redisSequencer.features,
  open: () => openStore(redisSequencer, {}, { backend: bench.backend }),
  restart: { stop: () => bench.kill(), start: () => bench.server.restart() },
})
