/** Features: what applications may require, what is there, and how the two are matched. */
export { knownFeatures, typesWith } from './known.ts'
export { isMet, type Match, negotiate, type Offer, type Requirement } from './negotiate.ts'
export { offersOf } from './offers.ts'
export { CLOUDS } from './trust.ts'
