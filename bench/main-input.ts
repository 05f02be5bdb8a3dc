/** What the entry (run.mjs) hands to a bundled program. */
export interface MainInput {
  readonly args: readonly string[]
  /** The checkout that is measured and that results are saved in. */
  readonly root: string
  /** A folder for temporary files, removed by the caller. */
  readonly folder: string
}
