// The frame of the Node programs: runs named cases one after the other and prints `ok name` or `FAIL name<tab>why`.
import { createRequire } from 'node:module'
import { join } from 'node:path'

const CASE_MS = 20_000

/** A package from the folder that the harness installed it into. */
export const load = name => createRequire(join(process.env.INTEROP_MODULES, 'package.json'))(name)

process.on('unhandledRejection', error => console.log(`unhandled: ${error}`))

/** Runs the cases in order. A case gets `after(f)`, whose functions run when it is over, the last one first. */
export async function cases(table) {
  const wanted = process.env.INTEROP_CASE
  for (const [name, body] of Object.entries(table)) {
    if (wanted && wanted !== name) continue
    const cleanups = []
    let timer
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no end within ${CASE_MS / 1000} s`)), CASE_MS)
    })
    try {
      await Promise.race([body(cleanup => cleanups.push(cleanup)), late])
      console.log(`ok ${name}`)
    } catch (error) {
      console.log(
        `FAIL ${name}\t${String(error?.stack ?? error)
          .split('\n')
          .slice(0, 7)
          .join(' | ')}`,
      )
    }
    clearTimeout(timer)
    for (const cleanup of cleanups.reverse()) {
      try {
        await Promise.race([cleanup(), new Promise(resolve => setTimeout(resolve, 1_000))])
      } catch {
        // what a case leaves behind is its own
      }
    }
  }
  process.exit(0)
}

/** Waits until a condition holds; the case's own deadline ends the wait. */
export async function until(condition) {
  while (!(await condition())) await new Promise(resolve => setTimeout(resolve, 5))
}
