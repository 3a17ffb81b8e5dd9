// Where an export stops, in a real browser with scripts switched off.
// usage: line.mjs EHR_ORIGIN APPLICATION_ORIGIN CODES_COMMAND...
// The application is asked for the same beside Leastway; the command prints somebody's code, given the name.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { check, finish, isAccessible, open, press, run, shot } from './open.mjs';

const [ehr, application, command, ...words] = process.argv.slice(2);
const passwords = { registrar: 'front-desk-7', analyst: 'good-numbers-9' };
const codeOf = (name) => execFileSync(command, [...words, name], { encoding: 'utf8' }).slice(0, 6);
const withoutScripts = { javaScriptEnabled: false };
const list = (count) => `/fhir/Patient?_count=${count}`;
const taken = (count) => `/api/patients.json?limit=${count}`;
const small = (number) => `/patients?page=${number}`;
const ward = '/reports/patients?ward=East&export=csv';

/** What the application itself sends. */
async function itself(path, form) {
  const reply = await fetch(application + path, form && { method: 'POST', body: new URLSearchParams(form) });
  return Buffer.from(await reply.arrayBuffer());
}

/** What came, in few words: a status, and why where it is refused. */
const told = (reply) => `${reply.status()} ${reply.headers()['x-leastway-reason'] ?? ''}`.trim();
const ask = async (page, path) => (await open(page, ehr + path)).reply;

async function signIn(page, name) {
  await open(page, `${ehr}/`);
  await page.fill('input[name=username]', name);
  await page.fill('input[name=password]', passwords[name]);
  return press(page, page.getByRole('button', { name: 'Go on' }));
}

/** Says why they work; of several purposes a page asks after signing in, and from their own page on. */
const workFor = (page, purpose) => press(page, page.locator(`button[name=purpose][value=${purpose}]`));

async function comesWhole(page, sentence, path) {
  const reply = await ask(page, path);
  const [came, sent] = [await reply.body(), await itself(path)];
  check(sentence, told(reply) === '200' && came.equals(sent), `${told(reply)}, ${came.length} of ${sent.length} bytes`);
}

/** A page in its place: how many were asked for (more are not counted), how many may be, and how one goes on; and no record. */
async function stops(page, name, reply, reason, allowed) {
  check(`${name} is blocked`, told(reply) === reason, told(reply));
  const found = await page.locator('.figures dd').allTextContents();
  const asked = Number(found[0]?.replace('at least ', ''));
  check(`${name}: the page says how many, and how many are allowed`, found[1] === `${allowed}` && asked > allowed, found);
  check(`${name}: it says how to go on`, (await page.locator('.steps li').count()) > 0, await page.textContent('main'));
  check(`${name}: not one record has come`, !(await page.content()).includes('100001'));
}

/** Waits for a file; gives its bytes. */
async function download(page, begin) {
  const began = page.waitForEvent('download', { timeout: 30_000 });
  began.catch(() => {});
  await begin().catch(() => {});
  return readFileSync(await (await began).path());
}

await run('the registrar at the line, with a browser', withoutScripts, async (page, context) => {
  await signIn(page, 'registrar');
  await workFor(page, 'operations');

  await comesWhole(page, 'a list of 100 comes whole', list(100));
  let reply = await ask(page, list(101));
  await stops(page, 'a list of 101', reply, '403 records-over-response-limit', 100);
  await comesWhole(page, 'an export of 100 comes whole', taken(100));
  reply = await ask(page, taken(101));
  await stops(page, 'an export of 101', reply, '403 export-over-request-limit', 100);
  await isAccessible(page, 'the page that stops it');
  await shot(page, 'line-1-blocked');
  await open(page, `${ehr}/reports/patients`);
  await page.selectOption('select[name=ward]', 'East');
  reply = await press(page, page.locator('button[name=export][value=csv]'));
  check('a ward, saved by its button, is blocked too', told(reply) === '403 export-over-request-limit', told(reply));

  // The list of 100 has named those of the first four pages; these may be named again.
  for (const number of [1, 2, 3, 4, 5, 6, 5]) {
    reply = await ask(page, small(number));
    check(`page ${number} of 25 is shown`, told(reply) === '200', told(reply));
  }
  reply = await ask(page, small(7));
  await stops(page, 'the page after 150', reply, '429 export-over-window-budget', 150);
  await shot(page, 'line-2-small-pages');

  const tab = await context.newPage();
  reply = await ask(tab, small(7));
  check('nor does a second tab show it', told(reply) === '429 export-over-window-budget', told(reply));
  check('which shows what was shown', told(await ask(tab, small(6))) === '200');
  const other = await context.browser().newContext({ ...withoutScripts, acceptDownloads: true });
  const elsewhere = await other.newPage();
  await signIn(elsewhere, 'registrar');
  await workFor(elsewhere, 'operations');
  reply = await ask(elsewhere, small(7));
  check('nor a second browser of the same person', told(reply) === '429 export-over-window-budget', told(reply));
  await other.close();

  await comesWhole(page, 'what was blocked has taken no place among the exports of the day', taken(50));
  const both = await Promise.all([ask(page, taken(60)), ask(tab, taken(61))]);
  check('two tabs at once get the last export of the day once', both.map(told).sort().join() === '200,429 export-over-window-budget', both.map(told));
  for (const one of [page, tab]) {
    reply = await ask(one, taken(1));
    check('and then neither gets another', told(reply) === '429 export-over-window-budget', told(reply));
  }

  await open(page, `${ehr}/.leastway/me`);
  await press(page, page.locator('a[href^="/.leastway/purpose"]'));
  await workFor(page, 'patient_request');
  reply = await ask(page, ward);
  check("for a patient's own request its number is asked for", told(reply) === '403 justification-required', told(reply));
  await isAccessible(page, 'the page that asks for it');
  await shot(page, 'line-3-own-request');
  await page.check('input[name=code][value=patient-request]');
  await page.fill('input[name=number]', 'ROI-2026/77');
  const file = await download(page, () => page.locator('form[action="/.leastway/justify"] button[type=submit]').click());
  const sent = await itself(ward);
  check('with it, it comes whole, whatever was taken before', file.equals(sent), `${file.length} of ${sent.length} bytes`);
});

await run('the analyst at the line, with a browser', withoutScripts, async (page) => {
  await signIn(page, 'analyst');
  await open(page, `${ehr}/reports/patients`);
  await page.selectOption('select[name=ward]', 'East');
  const reply = await press(page, page.locator('button[name=export][value=csv]'));
  check('an export beyond the line asks for a second factor', told(reply) === '401 export-over-request-limit', told(reply));
  check('and is kept meanwhile, with no record on the page', (await page.textContent('main')).includes('What you typed is kept') && !/\b1\d{5}\b/.test(await page.textContent('main')), await page.textContent('main'));
  await isAccessible(page, 'the page that asks for a second factor');
  await shot(page, 'line-4-step-up');
  await press(page, page.locator('a[href^="/.leastway/step-up"]').first());
  await page.fill('input[name=code]', codeOf('analyst'));
  await press(page, page.getByRole('button', { name: 'Go on' }));
  await shot(page, 'line-5-kept');
  const file = await download(page, () => page.getByRole('button', { name: 'Send now' }).click());
  const sent = await itself('/reports/patients', { ward: 'East', export: 'csv' });
  check('after it, what was kept is sent and the file comes whole', file.equals(sent), `${file.length} of ${sent.length} bytes`);
  const again = await download(page, () => page.goto(ehr + ward));
  check('and the link to it, while the second factor is fresh', again.equals(sent), `${again.length} of ${sent.length} bytes`);
});
finish();
