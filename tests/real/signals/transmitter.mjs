// A transmitter of Shared Signals (SSF 1.0) on jose: metadata, keys (RS256), a queue to be polled (RFC 8936), and pushes
// (RFC 8935) to wherever it is told.
//
// It does what is posted to /do, and says what came of it: a test's hand on it.
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { json, text } from 'node:stream/consumers';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';

const { PORT, TLS, AUDIENCE, PUSH_TO, PUSH_TOKEN, OWN_TOKEN } = process.env;
const ISSUER = `https://localhost:${PORT}`;
const LONG_POLL_MS = 20_000;

const options = { modulusLength: 2048, extractable: true };
const key = await generateKeyPair('RS256', options);
const stranger = await generateKeyPair('RS256', options);
const jwks = { keys: [{ ...(await exportJWK(key.publicKey)), kid: 'signals-1', use: 'sig', alg: 'RS256' }] };

let number = 0;
const waiting = new Map();
const done = [];
const refused = {};
const verify = [];
let wake = () => {};

// What a test asks for: an event about somebody; claims over the usual ones; maybe another type or a stranger's key.
async function sign({ event, said = {}, subject, claims = {}, typ = 'secevent+jwt', forged = false }) {
  number += 1;
  const now = Math.floor(Date.now() / 1000);
  const usual = { iss: ISSUER, aud: AUDIENCE, iat: now, jti: `set-${process.pid}-${number}`, sub_id: subject, events: { [event]: said } };
  const all = { ...usual, ...claims };
  const signer = new SignJWT(all).setProtectedHeader({ alg: 'RS256', typ, kid: 'signals-1' });
  return { id: all.jti, set: await signer.sign(forged ? stranger.privateKey : key.privateKey) };
}

const ca = readFileSync(`${TLS}/ca.pem`);
const lookup = (name, options, found) => (options.all ? found(null, [{ address: '127.0.0.1', family: 4 }]) : found(null, '127.0.0.1', 4));

function push(set, token = PUSH_TOKEN) {
  return new Promise((resolve, reject) => {
    const since = performance.now();
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/secevent+jwt', accept: 'application/json', 'content-length': Buffer.byteLength(set) };
    const request = https.request(PUSH_TO, { method: 'POST', ca, lookup, headers });
    request.on('error', reject);
    request.on('response', async (response) => {
      const body = await text(response);
      resolve({ status: response.statusCode, body, ms: performance.now() - since });
    });
    request.end(set);
  });
}

async function poll(question) {
  for (const id of question.ack ?? []) if (waiting.delete(id)) done.push({ id, at: Date.now() });
  for (const [id, why] of Object.entries(question.setErrs ?? {})) {
    waiting.delete(id);
    refused[id] = why.err;
  }
  if (waiting.size === 0 && question.returnImmediately !== true) {
    await new Promise((resolve) => { wake = resolve; setTimeout(resolve, LONG_POLL_MS).unref(); });
  }
  const sets = [...waiting].slice(0, question.maxEvents ?? 1);
  return { sets: Object.fromEntries(sets), moreAvailable: waiting.size > sets.length };
}

let last;
const doing = {
  async push(asked) {
    const { id, set } = asked.again ? last : await sign(asked);
    last = { id, set };
    return { id, ...(await push(set, asked.token)) };
  },
  async keep(asked) {
    const { id, set } = await sign(asked);
    waiting.set(id, set);
    wake();
    return { id };
  },
  async state() { return { waiting: [...waiting.keys()], done, refused, verify }; },
};

const isOurs = (request) => request.headers.authorization === `Bearer ${OWN_TOKEN}`;
const metadata = {
  spec_version: '1_0', issuer: ISSUER, jwks_uri: `${ISSUER}/keys`, verification_endpoint: `${ISSUER}/verify`,
  delivery_methods_supported: ['urn:ietf:rfc:8935', 'urn:ietf:rfc:8936'],
};

async function answer(request) {
  const path = request.url.split('?')[0];
  if (path === '/.well-known/ssf-configuration') return [200, metadata];
  if (path === '/keys') return [200, jwks];
  if (path === '/do') return [200, await ((asked) => doing[asked.do](asked))(await json(request))];
  if (!isOurs(request)) return [401, {}];
  if (path === '/verify') {
    verify.push(await json(request));
    return [204, undefined];
  }
  if (path === '/poll') return [200, await poll(await json(request))];
  return [404, {}];
}

const tls = { key: readFileSync(`${TLS}/server.key`), cert: readFileSync(`${TLS}/server.pem`) };
https.createServer(tls, async (request, response) => {
  try {
    const [status, body] = await answer(request);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(body && JSON.stringify(body));
  } catch (error) {
    console.log('error', error);
    response.writeHead(500).end();
  }
}).listen(Number(PORT), '127.0.0.1', () => console.log('listening', ISSUER));
