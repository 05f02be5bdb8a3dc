/** Private servers that Portolan starts, supervises and ends itself: what stands behind a backend's `embedded`. */
export { PrivateServer } from './private-server.ts'
export { daemonEnvironment, notInstalled, type Place, type Presence, type Program } from './program.ts'
export { ask, lock, socketDirectory } from './socket.ts'
