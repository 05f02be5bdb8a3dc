/** Loopback ports and whether the program answers on them. No dependencies. */
import { once } from 'node:events'
import { createServer } from 'node:net'

/** True when nothing listens on the loopback port and this user may bind it. */
export function isFree(port) {
  return new Promise(resolve => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

/** A port that was free a moment ago. Two calls may give the same one: who needs several asks for them together. */
export async function freePort() {
  const [port] = await freePorts(1)
  return port
}

/** Ports that were free a moment ago; they are held together, so that all differ. */
export async function freePorts(count) {
  const probes = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(probes.map(probe => once(probe, 'listening')))
  const ports = probes.map(probe => probe.address().port)
  await Promise.all(probes.map(probe => once(probe.close(), 'close')))
  return ports
}

/** Resolves with true when the admin listener says 200 at the path, with false when the child ends or the time is over. */
export async function answers(child, adminPort, path, deadlineMs) {
  const deadline = Date.now() + deadlineMs
  while (child.exitCode === null && child.signalCode === null && Date.now() < deadline) {
    const isOk = await fetch(`http://127.0.0.1:${adminPort}${path}`, { signal: AbortSignal.timeout(1_000) }).then(
      response => response.ok,
      () => false,
    )
    if (isOk) return true
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return false
}
