/** The numbers of clients' connections: above what servers reach with theirs, so that a KILL tells ours from theirs. */
import { randomInt } from 'node:crypto'

const LOWEST = 0x4000_0000

/** Another one in each process: a number from elsewhere mostly means nobody here. */
export const firstId = (): number => LOWEST + randomInt(0x1000_0000)

export const isOurs = (id: number): boolean => id >= LOWEST && id <= 0xffff_ffff
