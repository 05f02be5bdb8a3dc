/** How long a row is warmed up and measured. */
export interface Timing {
  readonly warmMs: number
  readonly measureMs: number
}
