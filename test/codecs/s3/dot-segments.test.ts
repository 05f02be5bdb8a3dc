import { expect, test } from 'vitest'
import { climbsOut } from '../../../codecs/s3/index.ts'

test.each<[key: string, prefix: string, climbs: boolean]>([
  ['', '', false],
  ['a/b', '', false],
  ['a/../b', '', false],
  ['a/b/../../c', '', false],
  ['..', '', true],
  ['../a', '', true],
  ['/../a', '', true],
  ['./../a', '', true],
  ['a/../../b', '', true],
  // Runs of slashes are one step to some, none to others.
  ['a//../../b', '', true],
  ['a/../../a/b', '', true],
  ['...', '', false],
  ['a/..b/b../c', '', false],
  ['team/a', 'team/', false],
  ['team/a/../b', 'team/', false],
  ['team/../secret', 'team/', true],
  ['team/../team/a', 'team/', true],
  ['team/a/../..', 'team/', true],
  ['x/team/../secret', 'x/team/', true],
  ['team-a/b', 'team-', false],
  ['team-a/b/../c', 'team-', false],
  ['team-a/../x', 'team-', true],
  ['team-/../x', 'team-', true],
  ['x/team-a/../y', 'x/team-', true],
])('%j below %j: %s', (key, prefix, climbs) => {
  expect(climbsOut(key, prefix)).toBe(climbs)
})
