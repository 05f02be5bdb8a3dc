/** What the admin pages tell about, and the one thing that they can do; an App is one. */
import type { Generation } from '../generation.ts'
import type { Exposition } from '../observability/exposition.ts'
import type { ReloadReport } from '../reload-report.ts'

export interface AdminSource {
  readonly generation: Generation
  /** True while every listener is bound and none is being drained. */
  readonly ready: boolean
  /** The metrics as Prometheus reads them. */
  exposition(): Promise<Exposition>
  reloadFromSource(options: { readonly force: boolean }): Promise<ReloadReport>
}
