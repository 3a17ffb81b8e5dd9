// A person in a real browser, at a real provider: signs in, steps up, meets a page, signs out.
// usage: provider.mjs oidc-provider|glewlwyd GATEWAY_PORT
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { check, finish, isAccessible, open, press, run, shot } from './open.mjs';

const [kind, port] = process.argv.slice(2);
const pacs = `https://pacs.localhost:${port}`;
const people = JSON.parse(readFileSync(`${process.env.REAL}/client/people.json`, 'utf8'));
const atGateway = (page) => new URL(page.url()).port === port;

function codeOf(secret, step) {
  const bits = [...secret].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)))).update(counter).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1e6).padStart(6, '0');
}

/** A code that nobody has used: the flow before may have shown the one of now. */
async function freshCode(secret) {
  const step = Math.floor(Date.now() / 30_000) + 1;
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, step * 30_000 - Date.now() + 500)));
  return codeOf(secret, step);
}

const ways = {
  'oidc-provider': {
    async password(page, name) {
      await page.fill('input[name=username]', name);
      await page.fill('input[name=password]', people[name].password);
      await press(page, page.getByRole('button', { name: 'Continue' }));
    },
    async code(page, name) {
      // Asked for a fresh authentication (max_age), it asks for the password again first.
      await page.locator('input[name=password], input[name=code]').first().waitFor();
      if (await page.locator('input[name=password]').count()) await this.password(page, name);
      await page.fill('input[name=code]', await freshCode(people[name].totp));
      await page.getByRole('button', { name: 'Continue' }).click();
    },
  },
  // Its page is a script: each step appears when the one before is done, the last is "Continue".
  glewlwyd: {
    async password(page, name) {
      await page.fill('#username', name);
      await page.fill('#password', people[name].password);
      await page.click('#loginbut');
      await page.locator('button', { hasText: 'Continue' }).click();
    },
    async code(page, name) {
      const field = page.locator('#value');
      const goOn = page.locator('button', { hasText: 'Continue' });
      await field.or(goOn).first().waitFor(); // no code is asked for where no scope needs one
      if (await field.isVisible()) {
        await field.fill(await freshCode(people[name].totp));
        await page.click('#but');
      }
      await goOn.click();
    },
  },
};

const provider = ways[kind];

await run(`a person signs in and out with a browser at ${kind}`, {}, async (page) => {
  await open(page, `${pacs}/patients`);
  check('the browser is at the provider', !atGateway(page), page.url());
  await page.locator('input:visible').first().waitFor();
  await shot(page, `${kind}-sign-in`);
  await provider.password(page, 'archivist');
  await page.waitForURL(`${pacs}/patients`);
  check('and is back where it wanted to go', (await page.textContent('body')).includes('['), page.url());
  const patient = JSON.parse(await page.textContent('body'))[0];

  // The archive is a download: it begins when the way back from the provider ends.
  const download = page.waitForEvent('download', { timeout: 90_000 });
  download.catch(() => {});
  await page.goto(`${pacs}/patients/${patient}/archive`).catch(() => {});
  if (atGateway(page)) {
    await isAccessible(page, 'the page that offers a step-up');
    await shot(page, `${kind}-step-up-offered`);
    await page.click('a[href^="/.leastway/step-up"]');
  }
  await page.locator('input:visible').first().waitFor();
  await shot(page, `${kind}-second-factor`);
  await provider.code(page, 'archivist');
  const file = readFileSync(await (await download).path());
  check('after the second factor the archive is downloaded', file.subarray(0, 2).toString() === 'PK', file.length);

  const { reply } = await open(page, `${pacs}/changes`);
  check('what no rule permits is a page', reply.status() === 403 && reply.headers()['x-leastway-reason'] === 'no-rule-matched', reply.status());
  await isAccessible(page, 'the page of a refusal');
  await shot(page, `${kind}-refused`);

  await open(page, `${pacs}/.leastway/me`);
  await isAccessible(page, "the person's own page");
  await shot(page, `${kind}-me`);
  const [cookie] = (await page.context().cookies(pacs)).filter(({ name }) => name === '__Host-leastway');
  await page.click('form[action="/.leastway/sign-out"] button');
  await page.waitForLoadState('load');
  await shot(page, `${kind}-signed-out`);
  // Whoever has kept the cookie has kept nothing.
  await page.context().addCookies([{ name: cookie.name, value: cookie.value, url: pacs, secure: true, httpOnly: true, sameSite: cookie.sameSite }]);
  await open(page, `${pacs}/app/explorer.html`);
  const after = await page.evaluate(() => fetch('/patients', { headers: { accept: 'application/json' } }).then(({ status }) => status));
  check('after signing out the cookie is worth nothing', after === 401, after);
});

await run(`a step-up that proves too little, with a browser at ${kind}`, {}, async (page) => {
  await open(page, `${pacs}/system`);
  await provider.password(page, 'administrator');
  await page.waitForURL(`${pacs}/system`);
  await page.goto(`${pacs}/changes`);
  if (atGateway(page)) {
    const way = page.locator('a[href^="/.leastway/step-up"]');
    if (await way.count()) await way.first().click();
    await page.waitForLoadState('load');
  }
  if (!atGateway(page)) await provider.code(page, 'administrator');
  await page.waitForURL((url) => url.port === port);
  await page.waitForLoadState('load');
  const text = await page.textContent('body');
  check('it ends on one page of ours', atGateway(page) && (await page.locator('h1').count()) === 1, text);
  await isAccessible(page, 'the page that says so');
  await shot(page, `${kind}-not-proven`);
});
finish();
