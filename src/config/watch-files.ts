/**
 * Tells when files may have changed. Their folders are watched, not they themselves: a mounted Kubernetes Secret is
 * changed by swapping a symbolic link, and most tools replace a file by renaming another one over it.
 */
import { type FSWatcher, watch } from 'node:fs'
import { dirname } from 'node:path'
import type { Logger } from '../observability/logger.ts'

/** A certificate and its key are rarely written in the same instant. */
const SETTLE_MS = 200

/** Calls back some time after any change in the files' folders. Returns a function that ends it. */
export function watchFiles(
  paths: readonly string[],
  logger: Logger,
  onChange: () => void,
  settleMs = SETTLE_MS,
): () => void {
  let timer: NodeJS.Timeout | undefined
  const changed = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined
      onChange()
    }, settleMs).unref()
  }
  const watchers: FSWatcher[] = []
  for (const folder of new Set(paths.map(path => dirname(path)))) {
    try {
      const watcher = watch(folder, { persistent: false }, changed)
      watcher.on('error', error => logger.warn({ folder, reason: error.message }, 'folder is no longer watched'))
      watchers.push(watcher)
    } catch (error) {
      logger.warn({ folder, reason: (error as Error).message }, 'folder cannot be watched; its changes need a reload')
    }
  }
  return () => {
    clearTimeout(timer)
    for (const watcher of watchers) watcher.close()
  }
}
