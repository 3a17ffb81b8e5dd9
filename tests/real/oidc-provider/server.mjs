// A test provider on the npm package oidc-provider: people of a clinic with groups, a password and
// a TOTP, step-up by `acr_values`, sign-out started by the application, and told to it by the back channel.
//
// Everybody's password and secret are fixtures; they are the same in client/people.json.
import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import Provider, { errors, interactionPolicy } from 'oidc-provider';

const { PORT, TLS, ORIGINS, CLIENT_SECRET, REAL } = process.env;
const ISSUER = `https://localhost:${PORT}`;
const PASSWORD = 'urn:clinic:acr:password';
const MFA = 'urn:clinic:acr:mfa';
const BODY_BYTES_MAX = 65_536;

const words = (text) => (text ?? '').split(/\s+/).filter(Boolean);
const origins = words(ORIGINS);
const people = JSON.parse(readFileSync(`${REAL}/client/people.json`, 'utf8'));
const personNamed = (name) => (Object.hasOwn(people, name ?? '') ? people[name] : undefined);

// ------------------------------------------------------------------ the second factor (RFC 6238)

const STEP_MS = 30_000;

function base32(text) {
  const bits = [...text].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}

function codeOf(secret, step) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', base32(secret)).update(counter).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1e6).padStart(6, '0');
}

const usedStep = new Map(); // no code works twice
function isCode(name, code) {
  const now = Math.floor(Date.now() / STEP_MS);
  for (const step of [now, now - 1, now + 1]) {
    const right = timingSafeEqual(Buffer.from(codeOf(people[name].totp, step)), Buffer.from(String(code).padEnd(6).slice(0, 6)));
    if (right && (usedStep.get(name) ?? 0) < step) {
      usedStep.set(name, step);
      return true;
    }
  }
  return false;
}

// ------------------------------------------------------------------ the provider

// By PEM: a key object fresh from its generator may lock itself up when it is exported while memory is collected (Node.js 20).
const PEM = { publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } };
const key = (type, options, alg) => ({
  ...createPrivateKey(generateKeyPairSync(type, { ...options, ...PEM }).privateKey).export({ format: 'jwk' }),
  use: 'sig', alg, kid: randomBytes(6).toString('hex'),
});

// The package takes `acr_values` as voluntary: a session by password would satisfy a request for a
// second factor silently. Here it asks again.
const policy = interactionPolicy.base();
policy.get('login').checks.add(new interactionPolicy.Check('acr_values', 'a stronger sign-in is asked for', (ctx) => {
  const asked = words(ctx.oidc.params.acr_values);
  return !asked.length || asked.includes(ctx.oidc.acr) || ctx.oidc.result?.login
    ? interactionPolicy.Check.NO_NEED_TO_PROMPT : interactionPolicy.Check.REQUEST_PROMPT;
}));
policy.remove('consent');

// Every name is this machine, and only the authority of the real runs is trusted.
async function fetchHere(url, { method, headers, body, signal }) {
  const ca = readFileSync(`${TLS}/ca.pem`);
  const sent = body === undefined || body === null ? undefined : String(body);
  return new Promise((resolve, reject) => {
    const lookup = (name, options, found) => (options.all ? found(null, [{ address: '127.0.0.1', family: 4 }]) : found(null, '127.0.0.1', 4));
    const length = sent === undefined ? {} : { 'content-length': Buffer.byteLength(sent) };
    const request = https.request(url, { method, ca, lookup, signal, headers: { ...Object.fromEntries(new Headers(headers)), ...length } });
    request.on('error', reject);
    request.on('response', async (response) => resolve(new Response(await text(response) || null, { status: response.statusCode, headers: { 'content-type': response.headers['content-type'] ?? 'text/plain' } })));
    request.end(sent);
  });
}

const client = {
  grant_types: ['authorization_code'], response_types: ['code'],
  redirect_uris: origins.map((origin) => `${origin}/.leastway/callback`),
  post_logout_redirect_uris: origins.flatMap((origin) => [`${origin}/`, `${origin}/.leastway/signed-out`]),
  backchannel_logout_uri: `${origins[0]}/.leastway/back-channel-logout`, backchannel_logout_session_required: true,
};

const provider = new Provider(ISSUER, {
  clients: [
    { ...client, client_id: 'leastway', client_secret: CLIENT_SECRET, token_endpoint_auth_method: 'client_secret_basic' },
    {
      ...client, client_id: 'leastway-by-key', token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: 'ES256',
      require_pushed_authorization_requests: true,
      jwks: { keys: [{ ...createPublicKey(readFileSync(`${TLS}/client.key`)).export({ format: 'jwk' }), kid: 'leastway-1', use: 'sig' }] },
    },
    ...['billing-export', 'lab-import', 'night-job', 'stranger'].map((id) => ({
      client_id: id, client_secret: `secret-of-${id}`, token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['client_credentials'], response_types: [], redirect_uris: [],
    })),
  ],
  fetch: fetchHere,
  acrValues: [PASSWORD, MFA],
  scopes: ['openid', 'profile', 'clinic', 'groups'],
  claims: { openid: ['sub', 'sid', 'auth_time', 'acr', 'amr'], profile: ['name'], clinic: ['groups', 'location'], groups: ['groups'] },
  conformIdTokenClaims: false, // claims of the scopes in the ID token, as most providers do
  clientBasedCORS: () => false,
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    // Programs: by the resource that they name, a signed token of five minutes or of a second; without one, a token that
    // says nothing itself.
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    dPoP: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      getResourceServerInfo: (ctx, resource) => ({
        scope: 'images', audience: resource.replace(/:short$/, ''), accessTokenFormat: 'jwt',
        accessTokenTTL: resource.endsWith(':short') ? 1 : 300, jwt: { sign: { alg: 'ES256' } },
      }),
    },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx, form) => {
        ctx.body = `<!doctype html><html lang="en"><title>Sign out</title><h1>Sign out</h1>${form}<button form="op.logoutForm" name="logout" value="yes">Sign out</button>`;
      },
    },
  },
  jwks: { keys: [key('rsa', { modulusLength: 2048 }, 'RS256'), key('ec', { namedCurve: 'P-256' }, 'ES256')] },
  cookies: { keys: [randomBytes(16).toString('hex')] },
  ttl: { AccessToken: 300, IdToken: 300, AuthorizationCode: 60, Session: 12 * 3600, Grant: 12 * 3600, Interaction: 600 },
  interactions: { policy, url: (ctx, interaction) => `/login/${interaction.uid}` },
  findAccount: (ctx, name) => {
    const person = personNamed(name);
    return person && { accountId: name, claims: async () => ({ sub: name, name: person.name, groups: person.groups, location: person.location }) };
  },
  loadExistingGrant: async (ctx) => {
    const { client, session } = ctx.oidc;
    const known = session.grantIdFor(client.clientId);
    const grant = (known && await ctx.oidc.provider.Grant.find(known))
      || new ctx.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope('openid profile clinic groups');
    grant.addOIDCClaims(['acr', 'amr', 'auth_time']);
    await grant.save();
    return grant;
  },
});
provider.proxy = true;
for (const event of ['backchannel.success', 'backchannel.error']) {
  provider.on(event, (ctx, ...found) => console.log(event, found.find((part) => part instanceof Error)?.message ?? ''));
}
for (const event of ['server_error', 'authorization.error', 'grant.error']) {
  provider.on(event, (...found) => console.log(event, found.find((part) => part instanceof Error)?.message ?? ''));
}

// ------------------------------------------------------------------ the sign-in pages

async function bodyOf(request) {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > BODY_BYTES_MAX) throw new Error('the body is too large');
  }
  return new URLSearchParams(text);
}

const plain = (text) => (text ?? '').replace(/[&<>"]/g, (c) => `&#${c.codePointAt(0)};`);

function show(response, uid, known, message = '', hint = '') {
  const fields = known
    ? `<p>Signed in as ${known}. Second step.</p><label>One-time code <input name="code" inputmode="numeric" autofocus></label>`
    : `<label>User <input name="username" value="${plain(hint)}" autofocus></label> <label>Password <input name="password" type="password"></label>`;
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  response.end(`<!doctype html><html lang="en"><title>Clinic sign-in</title><style>body{font:16px sans-serif;margin:4em}</style>
<h1>Clinic sign-in</h1><p role="alert">${message}</p><form method="post" action="/login/${uid}">${fields} <button>Continue</button></form>`);
}

const underWay = new Map(); // interaction → { name, amr }

async function login(request, response, uid) {
  const interaction = await provider.interactionDetails(request, response);
  const { acr_values: acrValues, max_age: maxAge, prompt, login_hint: hint } = interaction.params;
  const asked = words(acrValues);
  const needsCode = asked.length > 0 && !asked.includes(PASSWORD);
  const needsPassword = maxAge !== undefined || words(prompt).includes('login');
  const state = underWay.get(uid) ?? {};
  // A step-up asks for the second factor alone, unless a fresh sign-in is asked for.
  if (!state.name && interaction.session?.accountId && needsCode && !needsPassword) {
    Object.assign(state, { name: interaction.session.accountId, amr: ['pwd'] });
    underWay.set(uid, state);
  }
  if (request.method === 'GET') return show(response, uid, state.name, '', hint);
  const form = await bodyOf(request);
  if (form.has('cancel')) {
    return provider.interactionFinished(request, response, { error: 'access_denied', error_description: 'the person cancelled' });
  }
  if (!state.name) {
    const person = personNamed(form.get('username'));
    if (!person || person.password !== form.get('password')) return show(response, uid, undefined, 'Wrong user or password.');
    Object.assign(state, { name: form.get('username'), amr: ['pwd'] });
    underWay.set(uid, state);
    if (needsCode) return show(response, uid, state.name);
  } else {
    if (!isCode(state.name, form.get('code'))) return show(response, uid, state.name, 'Wrong or used code.');
    state.amr = ['pwd', 'otp', 'mfa'];
  }
  underWay.delete(uid);
  const acr = state.amr.includes('mfa') ? MFA : PASSWORD;
  return provider.interactionFinished(request, response, { login: { accountId: state.name, acr, amr: state.amr } }, { mergeWithLastSubmission: false });
}

const rest = provider.callback();
const tls = { key: readFileSync(`${TLS}/server.key`), cert: readFileSync(`${TLS}/server.pem`) };
https.createServer(tls, async (request, response) => {
  try {
    const page = /^\/login\/([\w-]+)$/.exec(request.url.split('?')[0]);
    return await (page ? login(request, response, page[1]) : rest(request, response));
  } catch (error) {
    console.log('error', error instanceof errors.OIDCProviderError ? error.error_description : error);
    if (response.headersSent) return response.destroy();
    response.writeHead(400, { 'content-type': 'text/plain' });
    return response.end('bad request');
  }
}).listen(Number(PORT), '127.0.0.1', () => console.log('listening', ISSUER));
