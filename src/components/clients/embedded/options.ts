/** Where the embedded components keep their data. */
import * as z from 'zod/mini'
import { described } from '../../../config/index.ts'

export const dataDirectory = () =>
  z
    ._default(z.string().check(z.minLength(1)), '.portolan/api')
    .apply(described('Where the data is kept, in one file; components may share a directory, processes may not.'))
