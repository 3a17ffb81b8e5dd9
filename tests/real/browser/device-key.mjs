// A session bound to a key that Chromium keeps.
// usage: device-key.mjs ORIGIN AUTHORITY LEASTWAY CONFIGURATION
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { request as ask } from 'node:https';
import { check, finish, open, run } from './open.mjs';

const [origin, authority, leastway, configuration] = process.argv.slice(2);
const people = JSON.parse(readFileSync(`${process.env.REAL}/client/people.json`, 'utf8'));
const DEVICE_COOKIE = /^__Host-leastway-k-/;

/** The keys of this machine are software: it has no TPM. */
const SWITCHES = ['--enable-features=DeviceBoundSessions,EnableBoundSessionCredentialsSoftwareKeysForManualTesting'];

const sessions = () => execFileSync(leastway, ['session', 'list', '--json', '--config', configuration], { encoding: 'utf8' })
  .split('\n').filter((line) => line !== '').map((line) => JSON.parse(line));

/** What somebody gets who has copied these cookies, in whatever browser. */
function byThief(cookies, agent) {
  const { hostname, port } = new URL(origin);
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  const headers = { host: `${hostname}:${port}`, cookie, 'user-agent': agent, accept: 'application/json' };
  return new Promise((resolve, reject) => {
    const asked = ask({ host: '127.0.0.1', port, path: '/', servername: hostname, headers, ca: readFileSync(authority) }, (reply) => {
      reply.resume();
      resolve({ status: reply.statusCode, reason: reply.headers['x-leastway-reason'] });
    });
    asked.on('error', reject).end();
  });
}

async function until(holds, seconds) {
  for (let waited = 0; waited < seconds; waited += 1) {
    if (await holds()) return true;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  return false;
}

await run('a session bound to a key of the device', {}, async (page, context) => {
  await open(page, `${origin}/`);
  await page.fill('input[name=username]', 'nurse');
  await page.fill('input[name=password]', people.nurse.password);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.waitForURL(`${origin}/`);
  const device = async () => (await context.cookies(origin)).find(({ name }) => DEVICE_COOKIE.test(name));
  check('Chromium makes a key and gets a cookie for it', await until(device, 15));
  const listed = sessions();
  check('the session is bound to it', listed.length === 1 && listed[0].bound_to.join() === 'device_key', JSON.stringify(listed));

  const [all, agent] = [await context.cookies(origin), await page.evaluate(() => navigator.userAgent)];
  const copied = all.filter(({ name }) => !DEVICE_COOKIE.test(name));
  await until(async () => (await byThief(copied, agent)).status !== 200, 90);
  const late = await byThief(copied, agent);
  check('a copy of the session\'s cookie is good for nothing', late.status === 401 && late.reason === 'session-elsewhere', JSON.stringify(late));

  const first = (await device()).value;
  await context.clearCookies({ name: DEVICE_COOKIE });
  const { reply, redirects } = await open(page, `${origin}/`);
  check('without the key\'s cookie Chromium proves it and goes on, and nobody signs in', reply.status() === 200 && redirects === 0, `${reply.status()} ${redirects}`);
  check('by another cookie', (await device())?.value !== first);
  check('under the same session', sessions()[0]?.id === listed[0].id);

  execFileSync(leastway, ['session', 'revoke', '--config', configuration, '--person', 'nurse', '--reason', 'a real run']);
  await context.clearCookies({ name: DEVICE_COOKIE });
  const over = await open(page, `${origin}/`);
  check('a session that is over stays over', over.redirects > 0, page.url());
}, SWITCHES);
finish();
