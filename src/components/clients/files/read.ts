/** Reads and replaces whole files. Errors name the file and the reason, never its content. */
import { open, rename, rm, stat } from 'node:fs/promises'
import { ApiError } from '../../../apis/index.ts'

const MAX_BYTES = 16 * 1024 * 1024

/** The text of a file. Rejects with an ApiError `unavailable`. */
export async function readText(path: string): Promise<string> {
  try {
    const file = await open(path)
    try {
      const { size } = await file.stat()
      if (size > MAX_BYTES) throw new Error('is larger than 16 MiB')
      return await file.readFile('utf8')
    } finally {
      await file.close()
    }
  } catch (error) {
    throw unreadable(path, error)
  }
}

export function unreadable(path: string, error: unknown): ApiError {
  const reason = (error as NodeJS.ErrnoException).code ?? (error as Error).message
  return new ApiError('unavailable', `${path} cannot be read (${reason})`, { cause: error })
}

let replacements = 0

/** Puts the text in the place of the file in one step: whoever reads finds the old one or the new one. Keeps its mode. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const next = `${path}.${process.pid}.${++replacements}.new`
  try {
    const mode = await stat(path).then(
      ({ mode }) => mode & 0o777,
      () => 0o600,
    )
    const file = await open(next, 'wx', mode)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(next, path)
  } catch (error) {
    await rm(next, { force: true })
    const { code, message } = error as NodeJS.ErrnoException
    const denied = code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
    throw new ApiError(denied ? 'denied' : 'internal', `${path} cannot be written (${code ?? message})`, {
      cause: error,
    })
  }
}
