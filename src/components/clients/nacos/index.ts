/** A client of Nacos's open HTTP API for configuration, which servers of the versions 1 and 2 speak. */
export { md5Of, NacosClient, type NacosItem, type NacosKey } from './client.ts'
export { type NacosOptions, nacosOptions } from './options.ts'
