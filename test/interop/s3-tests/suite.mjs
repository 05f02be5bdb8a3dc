// Ceph's s3-tests: one commit of the repository, its Python packages, which of its cases are run, and how a batch of them is.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { once, pipPackages, sh, Unavailable } from '../lib/cache.mjs'
import { runProgram } from '../lib/processes.mjs'

/** The last one that was looked through; its tests run with boto3 and pytest as they are now. */
const COMMIT = '8f0ae7b404a3a2fcf7038bf1e6bf29544fe9b6a3'
const REPOSITORY = 'https://github.com/ceph/s3-tests'
const FILES = ['test_headers.py', 'test_s3.py'].map(file => `s3tests/functional/${file}`)
const here = fileURLToPath(new URL('.', import.meta.url))

const PACKAGES = ['boto3', 'munch', 'gevent', 'isodate', 'requests', 'pytz', 'httplib2', 'lxml', 'PyYAML', 'pytest']

/** Other services' APIs, what needs a second cloud or a gateway's debug clock, and what Ceph itself knows to fail. */
const OTHERS = [
  ...['fails_on_rgw', 'lifecycle_expiration', 'lifecycle_transition', 'cloud_transition', 'cloud_restore'],
  ...['iam_account', 'iam_tenant', 'iam_user', 'iam_role', 'iam_cross_account', 'test_of_sts', 'webidentity_test'],
  ...['s3select', 'sns', 'bucket_logging', 'bucket_logging_cleanup', 'target_by_bucket'],
]

/** The suite's folder and the environment of its Python. Throws Unavailable where it cannot be had. */
export function prepareSuite() {
  const source = process.env['PORTOLAN_S3_TESTS'] ?? REPOSITORY
  const dir = existsSync(join(source, 's3tests'))
    ? source
    : once('s3-tests', [COMMIT], work => {
        sh('git', ['clone', '--quiet', '--no-checkout', source, '.'], { cwd: work })
        sh('git', ['-c', 'advice.detachedHead=false', 'checkout', '--quiet', COMMIT], { cwd: work })
      })
  const env = {
    ...process.env,
    PYTHONPATH: [pipPackages('s3-tests', [...PACKAGES, 'pytest-timeout'], 'python3'), here].join(':'),
    PYTHONDONTWRITEBYTECODE: '1',
    AWS_MAX_ATTEMPTS: '1',
    AWS_EC2_METADATA_DISABLED: 'true',
    // Else most cases would fail at an old gateway, and nothing could be lost.
    AWS_REQUEST_CHECKSUM_CALCULATION: 'when_required',
    AWS_RESPONSE_CHECKSUM_VALIDATION: 'when_required',
  }
  return { dir, env, commit: COMMIT.slice(0, 7) }
}

/** The cases to be run, in the suite's order, as pytest names them. `users` and their gateway need not be there. */
export async function suiteCases(suite, users) {
  const output = await pytest(suite, ['--collect-only', '-m', marks(), ...FILES], { port: 1, users })
  const cases = output.split('\n').filter(line => line.startsWith('s3tests/') && line.includes('::test_'))
  if (cases.length === 0) throw new Unavailable(`pytest: ${output.trim().slice(-500)}`)
  return cases
}

/** Without the file. */
export const shortName = name => name.slice(name.indexOf('::') + 2)

/** Runs cases against a gateway at this port: by case why it failed, undefined for one that passed. */
export async function runCases(suite, cases, { port, users, caseSeconds }) {
  const output = await pytest(suite, ['-p', 'plugin', '--timeout', String(caseSeconds), ...cases], { port, users })
  const results = new Map()
  for (const [, verdict, name, why] of output.matchAll(/^(ok|FAIL) (\S+)(?:\t(.*))?$/gm))
    results.set(name, verdict === 'ok' ? undefined : why)
  for (const name of cases) if (!results.has(name)) results.set(name, `not run: ${output.trim().slice(-200)}`)
  return results
}

async function pytest({ dir, env }, args, { port, users }) {
  const work = mkdtempSync(join(tmpdir(), 'portolan-interop-s3-tests-'))
  try {
    const configuration = join(work, 's3tests.conf')
    writeFileSync(configuration, settings(port, users))
    const { output } = await runProgram('python3', ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', ...args], {
      cwd: dir,
      env: { ...env, S3TEST_CONF: configuration },
      timeoutMs: 600_000,
    })
    return output
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function marks() {
  return OTHERS.map(mark => `not ${mark}`).join(' and ')
}

/** The suite's configuration. The accounts of its IAM tests, which are not run, must be named all the same. */
function settings(port, users) {
  const user = ([name, { uid, tenant, displayName, email, accessKey, secretKey }]) => `
[s3 ${name}]
user_id = ${tenant === undefined ? '' : `${tenant}$`}${uid}
display_name = ${displayName}
email = ${email}
access_key = ${accessKey}
secret_key = ${secretKey}
api_name = default${tenant === undefined ? '' : `\ntenant = ${tenant}`}
`
  const nobody = name => `
[${name}]
user_id = nobody
display_name = nobody
email = nobody@example.com
access_key = nobody
secret_key = nobody
`
  return `[DEFAULT]
host = 127.0.0.1
port = ${port}
is_secure = False
ssl_verify = False
[fixtures]
bucket prefix = s3tests-{random}-
${Object.entries(users).map(user).join('')}${['iam', 'iam root', 'iam alt root'].map(nobody).join('')}`
}
