/** A thin client of ZooKeeper. */
export { ZooKeeperClient } from './client.ts'
export type { ZooKeeperConnection } from './connection.ts'
export { isCode, unless } from './failure.ts'
export {
  makeNode,
  makingSteps,
  type NodeContent,
  nodeName,
  readNodes,
  readTree,
  textOfNode,
  transact,
} from './nodes.ts'
export { nodePath, nodePrefix, type ZooKeeperOptions, zookeeperOptions } from './options.ts'
export { TreeWatch } from './tree-watch.ts'
