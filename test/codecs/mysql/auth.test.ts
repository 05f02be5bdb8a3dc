import { createHash, createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../../codecs/codec.ts'
import {
  CACHING_SHA2_PASSWORD,
  CLEAR_PASSWORD,
  ClientAuth,
  type ClientAuthOptions,
  cachingSha2Hash,
  cachingSha2Proof,
  certificateProof,
  checkCachingSha2,
  checkEd25519,
  checkNative,
  decryptPassword,
  ED25519,
  ed25519Hash,
  ed25519Proof,
  encryptPassword,
  NATIVE_PASSWORD,
  nativeHash,
  nativeProof,
  newScramble,
  PARSEC,
  parsecHash,
  ServerAuth,
  type ServerAuthOptions,
  SHA256_PASSWORD,
} from '../../../codecs/mysql/index.ts'

const keys = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = String(keys.publicKey.export({ type: 'spki', format: 'pem' }))
const scramble = Buffer.from('12345678901234567890')

test('proofs are those of servers: known pairs', () => {
  // Computed with MariaDB 10.11: SELECT PASSWORD('app'), SELECT ed25519_password('secret').
  expect(nativeHash('app').toString('hex').toUpperCase()).toBe('5BCB3E6AC345B435C7C2E6B7949A04CE6F6563D3')
  expect(ed25519Hash('secret').toString('base64')).toBe('ZIgUREUg5PVgQ6LskhXmO+eZLS0nC8be6HPjYWR4YJY=')
})

const PAIRS = [
  ['native', nativeProof, (proof: Buffer, by: Buffer, pw: string) => checkNative(proof, by, nativeHash(pw))],
  [
    'caching_sha2',
    cachingSha2Proof,
    (p: Buffer, by: Buffer, pw: string) => checkCachingSha2(p, by, cachingSha2Hash(pw)),
  ],
  ['ed25519', ed25519Proof, (proof: Buffer, by: Buffer, pw: string) => checkEd25519(proof, by, ed25519Hash(pw))],
] as const

test.each(PAIRS)('%s: only the right password and scramble', (_, prove, check) => {
  for (const password of ['a', 'pässwörd', 'x'.repeat(300)]) {
    const proof = prove(password, scramble)
    expect(check(proof, scramble, password)).toBe(true)
    expect(check(proof, scramble, `${password}!`)).toBe(false)
    expect(check(proof, newScramble(), password)).toBe(false)
    for (const wrong of [
      proof.subarray(1),
      Buffer.alloc(0),
      Buffer.concat([proof, proof]),
      Buffer.alloc(proof.length),
    ]) {
      expect(check(wrong, scramble, password)).toBe(false)
    }
  }
})

test('a password by RSA', () => {
  const cipher = encryptPassword('geheim', scramble, pem)
  expect(String(decryptPassword(cipher, scramble, keys.privateKey))).toBe('geheim')
  expect(() => decryptPassword(cipher, newScramble(), keys.privateKey)).toThrow(ProtocolError)
  expect(() => decryptPassword(Buffer.alloc(256), scramble, keys.privateKey)).toThrow(ProtocolError)
  expect(() => encryptPassword('geheim', scramble, 'no key')).toThrow(ProtocolError)
  expect(() => encryptPassword('x'.repeat(1000), scramble, pem)).toThrow(ProtocolError)
})

test('scrambles have no NUL and no $', () => {
  const all = Buffer.concat(Array.from({ length: 200 }, () => newScramble()))
  expect(all.includes(0) || all.includes('$')).toBe(false)
  expect(new Set(all).size).toBe(126)
})

test('what shows a client that nobody sits in between', () => {
  const fingerprint = 'AB'.repeat(32).replace(/..(?!$)/g, '$&:')
  const digest = createHash('sha256')
    .update(nativeHash('app'))
    .update(scramble)
    .update(Buffer.alloc(32, 0xab))
    .digest('hex')
  expect(certificateProof(nativeHash('app'), scramble, fingerprint).toString('latin1')).toBe(
    `\x01${digest.toUpperCase()}`,
  )
})

describe('parsec', () => {
  // Of MariaDB 11.8.9, as it stores them: P0:rQph6KCaXCN3Lky1qLsAupNg:yxniF7pligCjsGQAQhp+6pFyxtgkjNAp5DEyhMotc14
  const password = 'pässwörd'
  const extSalt = Buffer.concat([Buffer.of(0x50, 0), Buffer.from('rQph6KCaXCN3Lky1qLsAupNg', 'base64')])
  const stored = 'yxniF7pligCjsGQAQhp-6pFyxtgkjNAp5DEyhMotc14'
  const challenge = newScramble(32)

  async function answer(to: Uint8Array): Promise<Buffer> {
    const client = new ClientAuth({ password, secure: false })
    const ask = Buffer.concat([Buffer.of(0xfe), Buffer.from(`${PARSEC}\0`), challenge, Buffer.of(0)])
    expect(await client.answer(ask, 0, ask.length)).toEqual(Buffer.alloc(0))
    return (await client.answer(Buffer.concat([Buffer.of(1), to]), 0, to.length + 1))!
  }

  test('the key is the one that the server stores', async () => {
    expect((await parsecHash(password, extSalt)).toString('base64url')).toBe(stored)
    const slower = Buffer.from(extSalt).fill(1, 1, 2)
    expect((await parsecHash(password, slower)).toString('base64url')).not.toBe(stored)
  })

  test('both scrambles are signed, and ours is another one each time', async () => {
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: stored }, format: 'jwk' })
    const [one, two] = [await answer(extSalt), await answer(extSalt)]
    for (const proof of [one, two]) {
      expect(proof).toHaveLength(96)
      expect(verify(null, Buffer.concat([challenge, proof.subarray(0, 32)]), key, proof.subarray(32))).toBe(true)
    }
    expect(one.subarray(0, 32)).not.toEqual(two.subarray(0, 32))
  })

  test.each([
    ['another algorithm', Buffer.of(0x51, 0, 1, 2), 'malformed-packet'],
    ['nothing behind the algorithm', Buffer.of(0x50), 'malformed-packet'],
    ['an hour of work', Buffer.of(0x50, 20, 1, 2), 'auth-plugin'],
    ['a number of iterations that has no end', Buffer.of(0x50, 0xff, 1, 2), 'auth-plugin'],
  ])('%s is refused', async (_, asked, kind) => {
    await expect(answer(asked)).rejects.toMatchObject({ kind })
  })
})

describe('client and server', () => {
  interface Outcome {
    readonly verdict: string
    readonly plugin: string
    /** Packets of the server before its verdict. */
    readonly replies: number
  }

  async function meet(
    plugin: string,
    client: Partial<ClientAuthOptions>,
    server: Partial<ServerAuthOptions>,
  ): Promise<Outcome> {
    const ours = new ServerAuth({
      password: 'right',
      scramble,
      challenged: CACHING_SHA2_PASSWORD,
      secure: false,
      fallback: CACHING_SHA2_PASSWORD,
      ...server,
    })
    const theirs = new ClientAuth({
      password: 'right',
      secure: server.secure ?? false,
      requestPublicKey: true,
      ...client,
    })
    let replies = 0
    let step = ours.begin(
      2,
      plugin,
      plugin === '' || plugin === 'dialog' ? Buffer.of(1) : theirs.begin(plugin, scramble),
    )
    while (step.reply !== null) {
      replies++
      const payload = step.reply.subarray(4)
      const answer = await theirs.answer(payload, 0, payload.length)
      if (step.verdict !== 'continue') {
        expect(answer).toBe(null)
        break
      }
      step = ours.answer(2 + 2 * replies, answer!)
    }
    return { verdict: step.verdict, plugin: ours.plugin, replies }
  }

  const key = { privateKey: keys.privateKey }
  const secure = { secure: true }

  test.each([
    ['native', NATIVE_PASSWORD, {}, {}, { plugin: NATIVE_PASSWORD, replies: 0 }],
    ['caching_sha2, fast', CACHING_SHA2_PASSWORD, {}, {}, { plugin: CACHING_SHA2_PASSWORD, replies: 1 }],
    ['clear under TLS', CLEAR_PASSWORD, {}, secure, { plugin: CLEAR_PASSWORD, replies: 0 }],
    ['sha256 under TLS', SHA256_PASSWORD, {}, secure, { plugin: SHA256_PASSWORD, replies: 0 }],
    ['sha256 by RSA', SHA256_PASSWORD, {}, key, { plugin: SHA256_PASSWORD, replies: 1 }],
    ['sha256 by RSA, key known', SHA256_PASSWORD, { publicKey: pem }, key, { plugin: SHA256_PASSWORD, replies: 0 }],
    ['sha256, but we have no key', SHA256_PASSWORD, {}, {}, { plugin: CACHING_SHA2_PASSWORD, replies: 2 }],
    ['ed25519', ED25519, {}, {}, { plugin: CACHING_SHA2_PASSWORD, replies: 2 }],
    ['an unknown plugin', 'dialog', {}, {}, { plugin: CACHING_SHA2_PASSWORD, replies: 2 }],
    [
      'an unknown plugin, native as fallback',
      'dialog',
      {},
      { fallback: NATIVE_PASSWORD },
      { plugin: NATIVE_PASSWORD, replies: 1 },
    ],
  ] as const)('%s', async (_, plugin, client, server, expected) => {
    expect(await meet(plugin, client, server)).toEqual({ verdict: 'granted', ...expected })
    for (const password of ['wrong', '']) {
      expect((await meet(plugin, { ...client, password }, server)).verdict).toBe('denied')
    }
    // As for a wrong password, whatever is given.
    expect((await meet(plugin, client, { ...server, password: null })).verdict).toBe('denied')
    expect((await meet(plugin, { ...client, password: '' }, { ...server, password: null })).verdict).toBe('denied')
    // An empty password is one too.
    expect((await meet(plugin, { ...client, password: '' }, { ...server, password: '' })).verdict).toBe('granted')
    expect((await meet(plugin, client, { ...server, password: '' })).verdict).toBe('denied')
  })

  test('a client that has no bytes for a challenge of another plugin waits for one of its own', () => {
    for (const plugin of [NATIVE_PASSWORD, CACHING_SHA2_PASSWORD]) {
      for (const challenged of [NATIVE_PASSWORD, CACHING_SHA2_PASSWORD]) {
        const options = { password: '', scramble, challenged, secure: false, fallback: CACHING_SHA2_PASSWORD } as const
        const { verdict } = new ServerAuth(options).begin(2, plugin, Buffer.alloc(0))
        expect(verdict).toBe(plugin === challenged ? 'granted' : 'continue')
      }
    }
  })

  test('a password in clear is not taken without TLS, and not given', async () => {
    const ours = new ServerAuth({
      password: 'right',
      scramble,
      challenged: CACHING_SHA2_PASSWORD,
      secure: false,
      fallback: NATIVE_PASSWORD,
    })
    expect(ours.begin(2, CLEAR_PASSWORD, Buffer.from('right\0'))).toMatchObject({ verdict: 'continue' })
    for (const plugin of [CLEAR_PASSWORD, SHA256_PASSWORD]) {
      const client = new ClientAuth({ password: 'right', secure: false })
      expect(() => client.begin(plugin, scramble)).toThrow(ProtocolError)
    }
    const client = new ClientAuth({ password: 'right', secure: false })
    client.begin(CACHING_SHA2_PASSWORD, scramble)
    await expect(client.answer(Buffer.of(1, 4), 0, 2)).rejects.toThrow(ProtocolError)
  })

  test('caching_sha2 in full: by TLS, by a known key, by one that is asked for', async () => {
    const full = async (options: ClientAuthOptions) => {
      const client = new ClientAuth(options)
      client.begin(CACHING_SHA2_PASSWORD, scramble)
      return { client, answer: (await client.answer(Buffer.of(1, 4), 0, 2))! }
    }
    expect(String((await full({ password: 'right', secure: true })).answer)).toBe('right\0')
    const { answer } = await full({ password: 'right', secure: false, publicKey: pem })
    expect(String(decryptPassword(answer, scramble, keys.privateKey))).toBe('right')
    const asking = await full({ password: 'right', secure: false, requestPublicKey: true })
    expect(asking.answer).toEqual(Buffer.of(2))
    const sent = (await asking.client.answer(Buffer.from(`\x01${pem}`), 0, pem.length + 1))!
    expect(String(decryptPassword(sent, scramble, keys.privateKey))).toBe('right')
  })
})
