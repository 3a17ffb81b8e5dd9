// A program that holds a key: it has a token bound to it (RFC 9449), and comes with it in every way. Prints what came of each.
import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { text } from 'node:stream/consumers';

const { DIR, OIDC_PORT, GATEWAY_PORT, RESOURCE } = process.env;
const CLIENT = 'billing-export';
const ca = readFileSync(`${DIR}/tls/ca.pem`);
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const { kty, crv, x, y } = publicKey.export({ format: 'jwk' });

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function proof(htm, htu, token) {
  const ath = token && createHash('sha256').update(token).digest('base64url');
  const claims = { htm, htu, iat: Math.floor(Date.now() / 1000), jti: randomUUID(), ...(ath && { ath }) };
  const input = `${encoded({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } })}.${encoded(claims)}`;
  return `${input}.${sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

async function ask(method, url, headers, body) {
  const lookup = (name, options, found) => (options.all ? found(null, [{ address: '127.0.0.1', family: 4 }]) : found(null, '127.0.0.1', 4));
  return new Promise((resolve, reject) => {
    const request = https.request(url, { method, ca, lookup, headers });
    request.on('error', reject);
    request.on('response', async (response) => resolve({ status: response.statusCode, headers: response.headers, text: await text(response) }));
    request.end(body);
  });
}

const endpoint = `https://localhost:${OIDC_PORT}/token`;
const form = new URLSearchParams({ grant_type: 'client_credentials', resource: RESOURCE, scope: 'images' }).toString();
const given = await ask('POST', endpoint, {
  authorization: `Basic ${Buffer.from(`${CLIENT}:secret-of-${CLIENT}`).toString('base64')}`,
  'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(form), dpop: proof('POST', endpoint),
}, form);
const { access_token: token, token_type: type } = JSON.parse(given.text);
const url = `https://pacs.localhost:${GATEWAY_PORT}/system`;
const first = proof('GET', url, token);
const came = {};
for (const [name, headers] of Object.entries({
  proven: { authorization: `DPoP ${token}`, dpop: first },
  again: { authorization: `DPoP ${token}`, dpop: first },
  bearer: { authorization: `Bearer ${token}` },
  elsewhere: { authorization: `DPoP ${token}`, dpop: proof('GET', `${url}/x`, token) },
  anew: { authorization: `DPoP ${token}`, dpop: proof('GET', url, token) },
})) {
  const reply = await ask('GET', url, { accept: 'application/json', ...headers });
  came[name] = { status: reply.status, reason: reply.headers['x-leastway-reason'] ?? '', id: reply.headers['x-request-id'] };
}
console.log(JSON.stringify({ type, came }));
