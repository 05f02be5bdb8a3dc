// Portolan in the place of the containers that the suite starts: what it uses of `testcontainers` and `@dapr/testcontainer-node`.

import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from 'layotto'
import { freePorts } from '../../../scripts/ports.mjs'
import { startServer, withFolder } from '../lib/processes.mjs'

const projectRoot = fileURLToPath(new URL('../../..', import.meta.url))

/** Portolan's components by the type of Dapr's; of others there is none, which the suite's cases about them will tell. */
const COMPONENTS = {
  configuration: { api: 'configuration', type: 'memory' },
  lock: { api: 'lock', type: 'memory' },
  pubsub: { api: 'pubsub', type: 'memory' },
  secretstores: { api: 'secrets', type: 'env', prefix: '' },
}

/** Sidecars that run, for what a case writes into the store behind their back. */
const running = new Set()

export class Network {
  async start() {
    return { stop: async () => {} }
  }
}

export const TestContainers = { exposeHostPorts: async () => {} }

const anyWait = new Proxy({}, { get: () => () => anyWait })
export const Wait = anyWait

export class Component {
  constructor(name, type) {
    Object.assign(this, { name, type })
  }

  toYaml() {
    return JSON.stringify(this)
  }
}

/** A server of the suite's own, which is not there; or, when it is to run daprd, a sidecar. */
export class GenericContainer {
  settings = { appId: 'app', env: {}, components: [], protocol: 'http', words: [] }
  isSidecar

  constructor(image) {
    this.isSidecar = image.includes('daprd')
    for (const name of IGNORED) this[name] ??= () => this
  }

  withNetwork() {
    return this
  }

  withEnvironment(env) {
    Object.assign(this.settings.env, env)
    return this
  }

  withCommand(words) {
    const after = name => words[words.indexOf(name) + 1]
    const port = words.includes('--app-port') ? after('--app-port') : undefined
    Object.assign(this.settings, { words, appId: after('--app-id'), protocol: after('--app-protocol'), appPort: port })
    return this
  }

  withCopyContentToContainer(files) {
    for (const { content } of files) this.settings.components.push(JSON.parse(content))
    return this
  }

  async beforeContainerCreated() {}

  async start() {
    if (!this.isSidecar) return new StoreContainer()
    await this.beforeContainerCreated()
    const words = [...this.settings.words, ...(this.createOpts?.Cmd ?? [])]
    const megabytes = words[words.indexOf(LARGEST_BODY) + 1]
    return startSidecar({ ...this.settings, ...(words.includes(LARGEST_BODY) && { megabytes }) })
  }
}

/** The flag of daprd for it. */
const LARGEST_BODY = '--dapr-http-max-request-size'
const IGNORED = ['withNetworkAliases', 'withExposedPorts', 'withWaitStrategy', 'withStartupTimeout']

export class DaprContainer extends GenericContainer {
  createOpts = {}

  withPlacementImage() {
    return this
  }

  withSchedulerImage() {
    return this
  }

  withAppChannelAddress() {
    return this
  }

  withAppName(appId) {
    this.settings.appId = appId
    return this
  }

  withAppPort(port) {
    this.settings.appPort = port
    return this
  }

  withComponent(component) {
    this.settings.components.push(component)
    return this
  }
}

class Nothing {
  withNetwork() {
    return this
  }

  withNetworkAliases() {
    return this
  }

  async start() {
    return this
  }

  getPort() {
    return 0
  }

  async stop() {}
}

export { Nothing as DaprPlacementContainer, Nothing as DaprSchedulerContainer }

/** What a case writes by redis-cli goes into the configuration component of each sidecar. */
class StoreContainer {
  async exec([, , key, text]) {
    const [content] = text.split('||')
    await Promise.all([...running].map(sidecar => sidecar.write(key, content)))
    // A case looks for the event as soon as this is over: by redis-cli in a container it takes longer.
    await new Promise(resolve => setTimeout(resolve, 200))
  }

  async stop() {}
}

class Sidecar {
  #server
  #ports
  #configuration

  constructor(server, ports, configuration) {
    this.#server = server
    this.#ports = ports
    this.#configuration = configuration
  }

  async write(key, content) {
    if (this.#configuration === undefined) return
    const client = new Client(String(this.#ports.grpc), '127.0.0.1')
    await client.configuration.save({
      storeName: this.#configuration,
      appId: 'suite',
      items: [{ key, content, group: '', label: '', tags: {}, metadata: {} }],
    })
  }

  getHost() {
    return '127.0.0.1'
  }

  getGrpcPort() {
    return this.#ports.grpc
  }

  getHttpPort() {
    return this.#ports.http
  }

  /** As daprd’s ports inside of the container are called. */
  getMappedPort(port) {
    return port === 3500 ? this.#ports.http : this.#ports.grpc
  }

  async stop() {
    running.delete(this)
    await this.#server.stop()
  }
}

/** A container that runs, as a class of the suite extends it. */
export class AbstractStartedContainer {
  #started

  constructor(started) {
    this.#started = started
  }

  getHost() {
    return this.#started.getHost()
  }

  getMappedPort(port) {
    return this.#started.getMappedPort(port)
  }

  async stop() {
    await this.#started.stop()
  }
}

async function startSidecar({ appId, appPort, protocol, env, components: wanted, megabytes }) {
  const [grpc, http] = await freePorts(2)
  const ports = { grpc, http }
  const dir = mkdtempSync(join(tmpdir(), 'portolan-interop-dapr-'))
  const known = wanted
    .map(({ name, type }) => [name, COMPONENTS[type.split('.')[0]]])
    .filter(([, component]) => component !== undefined)
  const listener = {
    protocol: 'grpc',
    address: `127.0.0.1:${ports.grpc}`,
    http: `127.0.0.1:${ports.http}`,
    appId,
    ...(appPort && { app: { address: `127.0.0.1:${appPort}`, protocol } }),
    ...(megabytes && { maxMessage: `${megabytes}MiB` }),
    ...(env.DAPR_API_TOKEN && { token: { env: 'DAPR_API_TOKEN' } }),
  }
  const file = join(dir, 'portolan.yaml')
  // Applications are known to daprd by its name resolution, the suite's alone here.
  const apps = appPort && { [appId]: { address: `127.0.0.1:${appPort}`, protocol } }
  const components = { ...Object.fromEntries(known), ...(apps && { apps: { api: 'invoke', type: 'apps', apps } }) }
  const config = { admin: { address: false }, listeners: { api: listener }, components }
  writeFileSync(file, JSON.stringify(config)) // JSON is YAML
  const bin = process.env.PORTOLAN_BIN ?? join(projectRoot, 'bin', 'portolan.cjs')
  const options = { env: { ...process.env, ...env } }
  const server = withFolder(dir, await startServer(process.execPath, [bin, 'run', '-c', file], ports.grpc, options))
  // What is published before the application's subscriptions are there is for nobody.
  while (appPort && !server.log().includes('the application subscribes'))
    await new Promise(resolve => setTimeout(resolve, 20))
  const configuration = known.find(([, { api }]) => api === 'configuration')?.[0]
  const sidecar = new Sidecar(server, ports, configuration)
  running.add(sidecar)
  return sidecar
}
