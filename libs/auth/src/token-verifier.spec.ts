import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT, type CryptoKey, type JWK } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { AuthConfig } from '#config';
import { TokenVerifier } from './token-verifier.ts';

const SECRET = 'a-secret-of-more-than-32-characters';
const CLAIMS = { JWT_ISSUER: 'tidings', JWT_AUDIENCE: 'tidings' };

const bySecret = (): TokenVerifier => new TokenVerifier({ ...CLAIMS, JWT_SECRET: SECRET } as AuthConfig);
const byKeys = (url: string): TokenVerifier => new TokenVerifier({ ...CLAIMS, JWKS_URL: url } as AuthConfig);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const now = (): number => Math.floor(Date.now() / 1_000);

type Claims = Record<string, unknown>;

const claimsOf = (given: Claims = {}): Claims => ({
  sub: 'alice',
  iss: 'tidings',
  aud: 'tidings',
  iat: now(),
  exp: now() + 60,
  ...given,
});

function sign(given: Claims = {}, key: Uint8Array | CryptoKey = bytes(SECRET), header: Claims = {}): Promise<string> {
  const claims = Object.fromEntries(Object.entries(claimsOf(given)).filter(([, value]) => value !== undefined));
  return new SignJWT(claims).setProtectedHeader({ alg: 'HS256', ...header }).sign(key);
}

afterEach(() => {
  vi.useRealTimers();
});

describe('a token signed with the secret', () => {
  it('names its user, scopes and times', async () => {
    const given = { scope: 'announce  ops', jti: 'token-1', iat: 1_700_000_000, exp: 4_000_000_000 };
    expect(await bySecret().verify(await sign(given))).toEqual({
      userId: 'alice',
      scopes: new Set(['announce', 'ops']),
      tokenId: 'token-1',
      issuedAt: 1_700_000_000,
      expiresAt: 4_000_000_000,
    });
  });

  it.each([[undefined], [7], [['ops']]])('has no scopes with the claim %j', async (scope) => {
    expect(await bySecret().verify(await sign({ scope }))).toMatchObject({ scopes: new Set() });
  });

  it.each([
    ['another issuer', { iss: 'stranger' }],
    ['no issuer', { iss: undefined }],
    ['another audience', { aud: 'stranger' }],
    ['no audience', { aud: undefined }],
    ['no subject', { sub: undefined }],
    ['an empty subject', { sub: '' }],
    ['a subject that is too long', { sub: 'a'.repeat(201) }],
    ['a NUL in the subject', { sub: 'a\0b' }],
    ['half a character as subject', { sub: '\ud800' }],
    ['a subject that is no text', { sub: 7 }],
    ['no expiry', { exp: undefined }],
    ['an expiry that is no number', { exp: 'never' }],
    ['an expiry beyond all dates', { exp: 1e18 }],
    ['a time of issue that is no number', { iat: 'now' }],
    ['a time before which it is not valid', { nbf: now() + 600 }],
  ])('is refused with %s', async (_, given) => {
    await expect(bySecret().verify(await sign(given))).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('is refused with another secret, or when it was changed', async () => {
    const [header, , signature] = (await sign()).split('.');
    const payload = btoa(JSON.stringify(claimsOf({ sub: 'bob' }))).replaceAll('=', '');
    const changed = [`${header}.${payload}.${signature}`, `${await sign()}.x`, `${await sign()}.x.y`];
    for (const text of [await sign({}, bytes(`${SECRET}!`)), ...changed]) {
      await expect(bySecret().verify(text)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    }
  });

  it.each(['', 'x', 'a.b.c', '..', '{}', `${'a'.repeat(200)}.b.c`])('is not found in %j', async (text) => {
    await expect(bySecret().verify(text)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('is refused without a signature', async () => {
    const unsigned = new UnsecuredJWT(claimsOf()).encode();
    const [header, payload] = unsigned.split('.');
    for (const text of [unsigned, `${header}.${payload}.x`]) {
      await expect(bySecret().verify(text)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    }
  });

  it('is refused with another algorithm than HS256', async () => {
    const long = bytes(SECRET.repeat(2));
    const verifier = new TokenVerifier({ ...CLAIMS, JWT_SECRET: SECRET.repeat(2) } as AuthConfig);
    await expect(verifier.verify(await sign({}, long))).resolves.toMatchObject({ userId: 'alice' });
    await expect(verifier.verify(await sign({}, long, { alg: 'HS512' }))).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    });
  });

  const encode = (text: string): string => Buffer.from(text).toString('base64url');

  /** With a right signature, whatever its header is. */
  function signed(header: string, payload = JSON.stringify(claimsOf())): string {
    const text = `${encode(header)}.${encode(payload)}`;
    return `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`;
  }

  const right = signed('{"alg":"HS256"}');
  const [header, payload, signature] = right.split('.');

  it.each([
    signed('{"alg":"none"}'),
    signed('{"alg":"HS512"}'),
    signed('{"alg":"hs256"}'),
    signed('{"alg":["HS256"]}'),
    signed('{"typ":"JWT"}'),
    signed('{"alg":"HS256","crit":["exp"]}'),
    signed('{"alg":"HS256"'),
    signed('["HS256"]'),
    signed(''),
    signed('{"alg":"HS256"}', ''),
    `${header}`,
    `${header}.${payload}`,
    `${header}.${payload}.`,
    `${header}..${signature}`,
    `.${payload}.${signature}`,
    `${header}.${payload}.${signature}.`,
    `${header}.${payload}.${signature}=`,
    `${header}.${payload}.${signature?.slice(0, -1)}`,
    `${header}.${payload}.${signature?.slice(0, -1)}ü`,
    `${header}=.${payload}.${signature}`,
    ` ${right}`,
  ])('is right in all of its parts, whatever was shown before: %s', async (wrong) => {
    const verifier = bySecret();
    const refused = (): Promise<void> =>
      expect(verifier.verify(wrong)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await refused();
    await refused();
    for (const before of [right, signed('{"alg":"HS256","typ":"JWT"}')]) {
      await expect(verifier.verify(before)).resolves.toMatchObject({ userId: 'alice' });
      await refused();
    }
  });

  it('is refused when it asks for what is not known here', async () => {
    const critical = await sign({}, undefined, { crit: ['b64'], b64: true });
    await expect(bySecret().verify(critical)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('says that it has expired', async () => {
    const expired = await sign({ iat: now() - 120, exp: now() - 60 });
    await expect(bySecret().verify(expired)).rejects.toMatchObject({ code: 'TOKEN_EXPIRED' });
  });

  it('is compared with what is revoked by then, each time that it is shown', async () => {
    let looks = 0;
    const refresh = (): Promise<void> => Promise.resolve(void (looks += 1));
    const isRevoked = (): boolean => looks > 2;
    const verifier = new TokenVerifier({ ...CLAIMS, JWT_SECRET: SECRET } as AuthConfig, { refresh, isRevoked });
    const text = await sign();
    await verifier.verify(text);
    await verifier.verifyOnce(text);
    await expect(verifier.verifyOnce(text)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(verifier.verify(text)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('has expired at its time, however often and wherever it is shown', async () => {
    const text = await sign({ exp: now() - 2 });
    const verifier = bySecret();
    for (let count = 0; count < 3; count += 1) {
      await expect(verifier.verify(text)).rejects.toMatchObject({ code: 'TOKEN_EXPIRED' });
      await expect(verifier.verifyOnce(text)).rejects.toMatchObject({ code: 'TOKEN_EXPIRED' });
    }
  });

  it('need not say when it was issued', async () => {
    expect(await bySecret().verify(await sign({ iat: undefined }))).toMatchObject({ userId: 'alice', issuedAt: 0 });
  });

  it('expires also when it was verified before', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const verifier = bySecret();
    const text = await sign({ exp: now() + 60 });
    await verifier.verifyOnce(text);
    vi.setSystemTime(Date.now() + 59_000);
    await expect(verifier.verifyOnce(text)).resolves.toMatchObject({ userId: 'alice' });
    vi.setSystemTime(Date.now() + 2_000);
    await expect(verifier.verifyOnce(text)).rejects.toMatchObject({ code: 'TOKEN_EXPIRED' });
    vi.setSystemTime(Date.now() + 60_000);
    await expect(verifier.verifyOnce(text)).rejects.toMatchObject({ code: 'TOKEN_EXPIRED' });
  });
});

describe('a token signed with a key of the issuer', () => {
  interface IssuerKey {
    privateKey: CryptoKey;
    publicKey: CryptoKey;
    jwk: JWK;
  }

  const keys: JWK[] = [];
  let asked = 0;
  let isBroken = false;
  let issuer: Server;
  let url: string;
  let rsa: IssuerKey;
  let elliptic: IssuerKey;

  async function newKey(alg: string, kid: string): Promise<IssuerKey> {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    return { privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
  }

  beforeAll(async () => {
    [rsa, elliptic] = await Promise.all([newKey('RS256', 'first'), newKey('ES256', 'second')]);
    issuer = createServer((_, response) => {
      asked += 1;
      response.writeHead(isBroken ? 500 : 200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys }));
    });
    await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/keys`;
  });

  afterEach(() => {
    keys.length = 0;
    asked = 0;
    isBroken = false;
  });

  afterAll(() => new Promise((resolve) => issuer.close(resolve)));

  const signRs = (given: Claims = {}): Promise<string> => sign(given, rsa.privateKey, { alg: 'RS256', kid: 'first' });
  const signEs = (given: Claims = {}): Promise<string> =>
    sign(given, elliptic.privateKey, { alg: 'ES256', kid: 'second' });

  it('is taken, and the keys are asked for once', async () => {
    keys.push(rsa.jwk, elliptic.jwk);
    const verifier = byKeys(url);
    expect(await verifier.verify(await signRs())).toMatchObject({ userId: 'alice' });
    expect(await verifier.verify(await signEs({ sub: 'bob' }))).toMatchObject({ userId: 'bob' });
    expect(asked).toBe(1);
  });

  it('is taken after the issuer has changed its keys', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    keys.push(rsa.jwk);
    const verifier = byKeys(url);
    await verifier.verify(await signRs());
    keys.splice(0, 1, elliptic.jwk);
    vi.setSystemTime(Date.now() + 31_000);
    expect(await verifier.verify(await signEs())).toMatchObject({ userId: 'alice' });
    await expect(verifier.verify(await signRs({ sub: 'bob' }))).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('is taken with an old key and a new one while the issuer changes them, and then with the new one alone', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    keys.push(rsa.jwk);
    const verifier = byKeys(url);
    const [old, young] = [await signRs({ exp: now() + 3_600 }), await signEs({ exp: now() + 3_600 })];
    await verifier.verify(old);
    // A key that comes is found at once.
    keys.push(elliptic.jwk);
    vi.setSystemTime(Date.now() + 31_000);
    for (const token of [young, old]) expect(await verifier.verify(token)).toMatchObject({ userId: 'alice' });
    expect(await verifier.verifyOnce(old)).toMatchObject({ userId: 'alice' });
    // One that goes is believed for some minutes, by those too who have shown it before.
    keys.splice(0, 1);
    vi.setSystemTime(Date.now() + 301_000);
    await expect(verifier.verify(old)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(verifier.verifyOnce(old)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(await verifier.verify(young)).toMatchObject({ userId: 'alice' });
  });

  it('is believed for as long as its key, however late it was shown first', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    keys.push(rsa.jwk);
    const verifier = byKeys(url);
    const [early, late] = [await signRs({ exp: now() + 3_600 }), await signRs({ sub: 'bob', exp: now() + 3_600 })];
    await verifier.verifyOnce(early);
    keys.splice(0, 1, elliptic.jwk);
    vi.setSystemTime(Date.now() + 299_000);
    expect(await verifier.verifyOnce(late)).toMatchObject({ userId: 'bob' });
    vi.setSystemTime(Date.now() + 2_000);
    for (const token of [early, late])
      await expect(verifier.verifyOnce(token)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('that names keys which are not there does not make the issuer be asked again and again', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    keys.push(rsa.jwk);
    const verifier = byKeys(url);
    const attack = async (kid: string): Promise<void> => {
      const forged = await sign({}, elliptic.privateKey, { alg: 'ES256', kid });
      await expect(verifier.verify(forged)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    };
    for (let count = 0; count < 20; count += 1) await attack(`kid-${count}`);
    expect(asked).toBe(1);
    vi.setSystemTime(Date.now() + 31_000);
    for (let count = 0; count < 20; count += 1) await attack(`kid-${count}`);
    expect(asked).toBe(2);
  });

  it('is refused when it brings its own key, or says where that is', async () => {
    keys.push(rsa.jwk);
    const { privateKey, jwk } = await newKey('RS256', 'first');
    for (const header of [{ jwk }, { jku: 'http://127.0.0.1:1/keys' }, { x5u: 'http://127.0.0.1:1/x' }]) {
      const forged = await sign({}, privateKey, { alg: 'RS256', kid: 'first', ...header });
      await expect(byKeys(url).verify(forged)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    }
  });

  it('is refused for another issuer or audience', async () => {
    keys.push(rsa.jwk);
    for (const given of [{ iss: 'stranger' }, { aud: 'stranger' }, { aud: undefined }]) {
      await expect(byKeys(url).verify(await signRs(given))).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    }
  });

  it('is refused when no key of the issuer fits', async () => {
    keys.push(rsa.jwk);
    await expect(byKeys(url).verify(await signEs())).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('is refused when the public key was used as a secret', async () => {
    keys.push(rsa.jwk);
    const asSecret = bytes(await exportSPKI(rsa.publicKey));
    const confused = await sign({}, asSecret, { alg: 'HS256', kid: 'first' });
    await expect(byKeys(url).verify(confused)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('is refused without a signature', async () => {
    keys.push(rsa.jwk);
    const unsigned = new UnsecuredJWT(claimsOf()).encode();
    await expect(byKeys(url).verify(unsigned)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('has to wait while the issuer cannot be reached', async () => {
    isBroken = true;
    await expect(byKeys(url).verify(await signRs())).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(byKeys('http://127.0.0.1:1/keys').verify(await signRs())).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      options: { retryAfterSeconds: 2 },
    });
  });
});
