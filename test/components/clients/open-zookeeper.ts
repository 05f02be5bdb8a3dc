/** A client of ZooKeeper as a component has it, for tests of the client and of what others see. */
import * as z from 'zod/mini'
import { ZooKeeperClient, zookeeperOptions } from '../../../src/components/clients/zookeeper/index.ts'
import { silentLogger } from '../../../src/observability/logger.ts'
import { systemClock } from '../../../src/protocol.ts'

export function openZooKeeper(endpoints: readonly string[], more: object = {}): ZooKeeperClient {
  const options = z.parse(z.strictObject(zookeeperOptions()), { endpoints, ...more })
  const backend = () => {
    throw new Error('this component has no backend')
  }
  return new ZooKeeperClient(options, { name: 'test', logger: silentLogger, clock: systemClock, backend })
}
