// Our script beside a page that asks by script.
// usage: script.mjs ORIGIN REACHED LEASTWAY CONFIGURATION
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { check, finish, open, run, shot } from './open.mjs';

const [origin, reachedAt, leastway, configuration] = process.argv.slice(2);
const people = JSON.parse(readFileSync(`${process.env.REAL}/client/people.json`, 'utf8'));
const reached = async () => (await fetch(reachedAt)).json();
const notes = async (text) => (await reached()).notes.filter((note) => note === text).length;
const bar = (page) => page.getByRole('alert');
const button = (page, name) => page.getByRole('button', { name, exact: true });

async function signIn(page, name) {
  await page.fill('input[name=username]', name);
  await page.fill('input[name=password]', people[name].password);
  await page.getByRole('button', { name: 'Continue' }).click();
}

function revoke(name) {
  execFileSync(leastway, ['session', 'revoke', '--config', configuration, '--person', name, '--reason', 'a real run']);
}

/** Presses "Sign in" on the bar; gives the window that opens. */
async function signInBeside(page, context) {
  const [popup] = await Promise.all([context.waitForEvent('page'), button(page, 'Sign in').click()]);
  return popup;
}

await run('a page that asks by script, with a browser', {}, async (page, context) => {
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  await open(page, `${origin}/`);
  await signIn(page, 'nurse');
  await page.waitForURL(`${origin}/`);
  check('our script stands in the page, once', (await page.locator('script[src^="/.leastway/leastway.js?v="]').count()) === 1);
  await page.waitForFunction(() => Number(document.getElementById('polls').textContent) > 1);
  check('and the page works with it', (await page.evaluate(() => typeof window.leastway)) === 'boolean');

  await bar(page).waitFor({ timeout: 110_000 });
  const warning = await bar(page).textContent();
  check('before the lock, when a third of the time is left, there is a warning', warning.includes('Your session will be locked in about 1 min.'), warning);
  check('which takes the focus from nobody', await page.evaluate(() => document.activeElement === document.body));
  await shot(page, 'script-1-warning');
  const other = await context.newPage();
  await open(other, `${origin}/`);
  await page.bringToFront();
  await bar(page).waitFor({ state: 'hidden', timeout: 5_000 });
  check('a page that is opened in another tab is a sign of the person, and this one hears of it', true);
  await bar(page).waitFor({ timeout: 110_000 });
  await button(page, 'Stay signed in').click();
  await bar(page).waitFor({ state: 'hidden' });
  await bar(other).waitFor({ state: 'hidden' });
  check('whoever stays is not warned any more, in no tab', true);
  await other.close();

  await page.fill('#text', 'walks without pain');
  revoke('nurse');
  await page.locator('#text').focus();
  await bar(page).filter({ hasText: 'Your session has ended' }).waitFor();
  await page.click('#fetch');
  await page.waitForTimeout(500);
  check('what meets an ended session is not sent', (await notes('walks without pain')) === 0 && (await page.textContent('#told')) === '');
  await shot(page, 'script-2-ended');
  await button(page, 'Sign in').focus();
  check('the bar is reached by the keyboard', (await page.evaluate(() => document.activeElement.shadowRoot?.activeElement?.textContent)) === 'Sign in');
  // The provider still knows them, so the window closes by itself.
  const popup = await signInBeside(page, context);
  if (!popup.isClosed()) await popup.waitForEvent('close').catch(() => {});
  await page.waitForFunction(() => document.getElementById('told').textContent !== '');
  check('after the sign-in in a window of its own it is sent', (await page.textContent('#told')) === 'fetch 201', await page.textContent('#told'));
  check('once', (await notes('walks without pain')) === 1, await notes('walks without pain'));
  check('the bar is gone, and so is the window', (await bar(page).count()) === 0 && context.pages().length === 1, context.pages().length);
  check('and what was typed is still there', (await page.inputValue('#text')) === 'walks without pain');
  await shot(page, 'script-3-sent');

  await page.fill('#text', 'stairs tomorrow');
  revoke('nurse');
  await page.click('#xhr');
  await button(page, 'Sign in').waitFor();
  await context.clearCookies({ domain: 'localhost' });
  const second = await signInBeside(page, context);
  await second.locator('input[name=username]').waitFor();
  await shot(second, 'script-4-window');
  await signIn(second, 'nurse');
  await page.waitForFunction(() => document.getElementById('told').textContent.startsWith('xhr'));
  check('the same for XMLHttpRequest, which sees one reply', (await page.textContent('#told')) === 'xhr 201 1234', await page.textContent('#told'));
  check('once', (await notes('stairs tomorrow')) === 1, await notes('stairs tomorrow'));

  for (const way of ['fetch', 'xhr']) {
    const text = `saved by ${way}`;
    await page.waitForTimeout(11_000); // more sign-ins for one page within ten seconds are a loop
    await page.fill('#text', text);
    await page.evaluate(() => { document.getElementById('told').textContent = ''; });
    await page.click(`#${way}-view`);
    while ((await notes(text)) === 0) await page.waitForTimeout(50);
    await context.clearCookies({ name: '__Host-leastway' });
    await page.waitForFunction(() => document.getElementById('told').textContent.includes(' 401'));
    const window = await signInBeside(page, context);
    if (!window.isClosed()) await window.waitForEvent('close').catch(() => {});
    await bar(page).waitFor({ state: 'hidden' });
    await page.waitForTimeout(500);
    check(`what was saved by ${way} and led on to a page that was refused is not saved again`, (await notes(text)) === 1, await notes(text));
  }

  await page.fill('#text', 'not for the next');
  revoke('nurse');
  await page.click('#fetch');
  await button(page, 'Sign in').waitFor();
  await context.clearCookies({ domain: 'localhost' });
  const third = await signInBeside(page, context);
  const visit = await page.textContent('#visit');
  await third.locator('input[name=username]').waitFor();
  await signIn(third, 'biller');
  await page.waitForFunction((before) => document.getElementById('visit')?.textContent !== before, visit);
  check('another person finds a page of their own', (await page.inputValue('#text')) === '' && (await bar(page).count()) === 0);
  check('and nothing is sent in their name', (await notes('not for the next')) === 0);
  const { logouts } = await reached();
  check('the application was told that the one before has left', logouts.length === 1 && /^NOTES=session-\d+$/.test(logouts[0]), JSON.stringify(logouts));
  await shot(page, 'script-5-another-person');

  revoke('biller');
  await page.fill('#text', 'declined');
  await page.click('#fetch');
  await button(page, 'Not now').waitFor();
  await button(page, 'Not now').focus();
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => document.getElementById('told').textContent === 'fetch 401');
  check('whoever does not want to is told no more than without us', (await bar(page).count()) === 0 && (await notes('declined')) === 0);

  await open(page, `${origin}/`);
  check('the provider lets them in again', page.url() === `${origin}/`, page.url());
  await page.click('a[href="/logout"]');
  await page.waitForLoadState('load');
  check("the application's own link signs out, and leads to the provider", page.url().startsWith('https://localhost:'), page.url());
  const cookies = (await context.cookies(origin)).map(({ name }) => name);
  check('its cookie and ours are gone', !cookies.includes('NOTES') && !cookies.includes('__Host-leastway'), cookies.join(' '));
  check('and it was told', (await reached()).logouts.length === 2);
  check('no script failed', errors.length === 0, errors.join('; '));
});
finish();
