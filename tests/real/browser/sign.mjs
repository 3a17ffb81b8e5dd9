// The sign that our script shows beside a page while something is not as it should be.
// usage: sign.mjs ORIGIN CONFIGURATION
import { readFileSync, writeFileSync } from 'node:fs';
import { check, finish, open, run, shot } from './open.mjs';

const [origin, configuration] = process.argv.slice(2);
const people = JSON.parse(readFileSync(`${process.env.REAL}/client/people.json`, 'utf8'));
const button = (page, name) => page.getByRole('button', { name, exact: true });

await run('a sign beside a page, with a browser', {}, async (page) => {
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  await open(page, `${origin}/`);
  await page.fill('input[name=username]', 'nurse');
  await page.fill('input[name=password]', people.nurse.password);
  await button(page, 'Continue').click();
  await page.waitForURL(`${origin}/`);
  const rules = readFileSync(configuration, 'utf8');
  const sign = page.getByRole('status').filter({ hasText: 'New rules of access could not be read.' });
  const red = page.getByRole('status').filter({ hasText: 'cannot be recorded at the moment' });
  const color = (of) => of.evaluate((said) => getComputedStyle(said.parentElement).backgroundColor);
  writeFileSync(configuration, `${rules}\nno rules at all\n`);
  await page.waitForTimeout(6_000); // it is looked at every two seconds
  await open(page, `${origin}/`);
  await sign.waitFor({ timeout: 5_000 });
  check('rules that could not be read stand at the edge of the page, in amber', (await color(sign)) === 'rgb(255, 194, 51)', await color(sign));
  const edge = await sign.evaluate((said) => said.getRootNode().host.getBoundingClientRect().bottom - innerHeight);
  check('below, where no record has its heading, and the focus is left where it was', Math.abs(edge) < 1 && await page.evaluate(() => document.activeElement === document.body), edge);
  await shot(page, 'script-6-amber');
  await button(page, 'Put aside').click();
  await sign.waitFor({ state: 'hidden' });
  await open(page, `${origin}/`);
  await page.waitForFunction(() => Number(document.getElementById('polls').textContent) > 1);
  check('what was put aside stays so on the next page', (await sign.count()) === 0);
  await page.route('**/.leastway/session', (route) => route.fulfill({
    status: 503,
    json: { reason: 'audit-unavailable', degraded: { states: ['no-event'], color: 'red', aside: 'Put aside', text: 'What is done here cannot be recorded at the moment.' } },
  }));
  await page.route('**/poll', (route) => route.fulfill({ headers: { 'x-leastway-degraded': 'no-event' }, json: { polls: 9 } }), { times: 1 });
  await open(page, `${origin}/`);
  await red.waitFor({ timeout: 5_000 });
  check('another state is shown at once, in red, although the session does not answer', (await color(red)) === 'rgb(160, 0, 18)', await color(red));
  await shot(page, 'script-7-red');
  await page.unroute('**/.leastway/session');
  writeFileSync(configuration, rules);
  await page.waitForTimeout(6_000);
  await open(page, `${origin}/`);
  await page.waitForFunction(() => Number(document.getElementById('polls').textContent) > 1);
  check('and gone when all is well', (await red.count()) === 0 && (await sign.count()) === 0);
  await page.route('**/poll', (route) => route.fulfill({ headers: { 'x-leastway-degraded': 'no-event' }, json: { polls: 9 } }), { times: 1 });
  const asked = page.waitForRequest('**/.leastway/session', { timeout: 5_000 });
  check('a reply that says that something is wrong has the page ask at once', Boolean(await asked));
  check('no script failed', errors.length === 0, errors.join('; '));
});
finish();
