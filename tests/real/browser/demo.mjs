// The demo in a real browser with scripts switched off: everything works without.
// usage: demo.mjs EHR_ORIGIN CODES_COMMAND...   (the command prints somebody's code, given the name)
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { check, finish, isAccessible, open, press, run, shot } from './open.mjs';

const [ehr, command, ...words] = process.argv.slice(2);
const passwords = { registrar: 'front-desk-7', analyst: 'good-numbers-9' };
const codeOf = (name) => execFileSync(command, [...words, name], { encoding: 'utf8' }).slice(0, 6);
const withoutScripts = { javaScriptEnabled: false };
const ours = (page) => page.url().startsWith(ehr);

async function signIn(page, name) {
  await open(page, `${ehr}/`);
  check(`the ${name} is sent to the provider`, !ours(page), page.url());
  await page.fill('input[name=username]', name);
  await page.fill('input[name=password]', passwords[name]);
  const reply = await press(page, page.getByRole('button', { name: 'Go on' }));
  check(`the ${name} is signed in`, reply.status() === 200 && ours(page), page.url());
}

/** Saves a ward's report: gives the reply if a page came, the file if it was downloaded. */
async function saveReport(page, ward) {
  await open(page, `${ehr}/reports/patients`);
  await page.selectOption('select[name=ward]', ward);
  const download = page.waitForEvent('download').then((event) => event.path(), () => undefined);
  const reply = page.waitForResponse((response) => response.request().isNavigationRequest() && ![302, 303].includes(response.status()));
  await page.locator('button[name=export][value=csv]').click();
  const last = await reply;
  const isFile = (last.headers()['content-disposition'] ?? '').includes('attachment');
  return { reply: last, file: isFile ? readFileSync(await download, 'utf8') : undefined };
}

await run('the registrar, with a browser', withoutScripts, async (page) => {
  await open(page, `${ehr}/`);
  await shot(page, 'demo-1-sign-in');
  await signIn(page, 'registrar');
  await shot(page, 'demo-2-home');
  const { reply, file } = await saveReport(page, '');
  check('an export of all wards is blocked', reply.status() === 403 && file === undefined, reply.status());
  check('the reply says why', reply.headers()['x-leastway-reason'] === 'export-over-request-limit', reply.headers()['x-leastway-reason']);
  const text = await page.textContent('main');
  check('the page says how many are allowed', text.includes('500'), text);
  const found = await isAccessible(page, 'the block page');
  check('the block page has no scripts', found.scripts === 0, found.scripts);
  check('and is kept nowhere', (reply.headers()['cache-control'] ?? '').includes('no-store'), reply.headers()['cache-control']);
  check('and runs nothing of others', /default-src 'none'/.test(reply.headers()['content-security-policy'] ?? ''), reply.headers()['content-security-policy']);
  await shot(page, 'demo-3-blocked');
  await page.emulateMedia({ colorScheme: 'dark' });
  await shot(page, 'demo-3-blocked-dark');
  await page.emulateMedia({ colorScheme: 'light' });

  const east = await saveReport(page, 'East');
  check('one ward is saved', east.file?.split('\n').length > 50, east.reply.status());

  await open(page, `${ehr}/patients/100001/chart`);
  await isAccessible(page, 'the page of a refusal');
  await shot(page, 'demo-4-refused');

  await open(page, `${ehr}/.leastway/me`);
  await isAccessible(page, "the person's own page");
  await shot(page, 'demo-5-me');
  await press(page, page.locator('form[action="/.leastway/sign-out"] button').first());
  await open(page, `${ehr}/`);
  check('after signing out the password is asked for again', !ours(page) && (await page.locator('input[name=password]').count()) === 1, page.url());
});

await run('the analyst, with a browser', withoutScripts, async (page) => {
  await signIn(page, 'analyst');
  const download = page.waitForEvent('download', { timeout: 90_000 });
  download.catch(() => {});
  await page.goto(`${ehr}/reports/patients?ward=East&export=csv`).catch(() => {});
  if (ours(page)) {
    await isAccessible(page, 'the page that offers a step-up');
    await shot(page, 'demo-6-step-up-offered');
    await page.click('a[href^="/.leastway/step-up"]');
  }
  await shot(page, 'demo-7-second-factor');
  await page.fill('input[name=code]', codeOf('analyst'));
  await page.getByRole('button', { name: 'Go on' }).click();
  const file = readFileSync(await (await download).path(), 'utf8');
  check('after the second factor the file is downloaded', file.split('\n').length > 50, file.length);
});
finish();
