/** Copies of the example plug-in to be spoiled, each in a folder of its own: what was loaded once stays loaded. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const EXAMPLE = join(import.meta.dirname, '../../examples/plugin/text-messages')

export class PluginFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'portolan-plugin-'))

  constructor() {
    cpSync(EXAMPLE, this.path, { recursive: true })
  }

  read(file: string): string {
    return readFileSync(join(this.path, file), 'utf8')
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.path, file), text)
  }

  /** Fails when there is nothing to change. */
  change(file: string, from: string, to: string): void {
    const text = this.read(file)
    if (!text.includes(from)) throw new Error(`${file} does not contain ${from}`)
    this.write(file, text.replace(from, to))
  }

  delete(file: string): void {
    rmSync(join(this.path, file))
  }

  remove(): void {
    rmSync(this.path, { recursive: true })
  }
}
