// What was typed when a session ended, in a real browser with scripts switched off.
// usage: hold.mjs EHR_ORIGIN
import { check, finish, isAccessible, open, press, run, shot } from './open.mjs';

const [ehr] = process.argv.slice(2);
const passwords = { nurse: 'night-shift-4', registrar: 'front-desk-7' };
const chart = `${ehr}/patients/100001/chart`;
const held = `${ehr}/.leastway/held`;
const first = 'walks without pain, stairs tomorrow';
const second = 'a line that is seen by nobody else';
const ours = (page) => page.url().startsWith(ehr);
const main = (page) => page.textContent('main');

async function atProvider(page, name) {
  await page.fill('input[name=username]', name);
  await page.fill('input[name=password]', passwords[name]);
  return press(page, page.getByRole('button', { name: 'Go on' }));
}

/** Types a note, lets the session end over it, and saves: gives the reply. */
async function typeTooLong(page, text) {
  await open(page, chart);
  await page.fill('textarea[name=text]', text);
  await page.waitForTimeout(63_000);
  return press(page, page.getByRole('button', { name: 'Save the note' }));
}

/** How many times the application has this note. */
async function notes(page, text) {
  await open(page, chart);
  return (await page.textContent('body')).split(text).length - 1;
}

/** Posts from a page of the application, as nobody's page would: gives the reply. */
async function postFrom(page, action, id) {
  await open(page, `${ehr}/`);
  const field = id === undefined ? '' : `<input name="id" value="${id}">`;
  await page.setContent(`<form method="post" action="${action}">${field}<button>Post</button></form>`);
  return press(page, page.getByRole('button', { name: 'Post' }));
}

await run('typed work, with a browser', { javaScriptEnabled: false }, async (page, context) => {
  await open(page, `${ehr}/`);
  await atProvider(page, 'nurse');
  const told = await typeTooLong(page, first);
  check('a note that meets an ended session is not sent', told.status() === 401 && told.headers()['x-leastway-reason'] === 'session-expired', told.status());
  check('and its person is told that it is kept', (await main(page)).includes('What you typed is kept for you here'), await main(page));
  check('its words are not on that page', !(await page.content()).includes(first));
  await isAccessible(page, 'the page that says that it is kept');
  await shot(page, 'hold-1-kept');

  let reply = await press(page, page.locator('a[href^="/.leastway/sign-in"]').first());
  if (!ours(page)) reply = await atProvider(page, 'nurse');
  check('after signing in they find it', reply.status() === 200 && page.url().startsWith(held), page.url());
  check('by the names of its fields', (await main(page)).includes('text') && !(await page.content()).includes(first), await main(page));
  check('kept nowhere, and without scripts of anybody', /no-store/.test(reply.headers()['cache-control']) && /default-src 'none'/.test(reply.headers()['content-security-policy']));
  const found = await isAccessible(page, 'the page of what is kept');
  check('it has no scripts', found.scripts === 0, found.scripts);
  await shot(page, 'hold-2-still-here');

  await press(page, page.getByRole('button', { name: 'Show it so that I can copy it' }));
  check('its words are shown when asked for', (await page.inputValue('textarea')).includes(first));
  await isAccessible(page, 'the page of what is in it');
  await shot(page, 'hold-3-shown');

  await open(page, held);
  const address = await page.locator('form[action*="leastway-held="]').getAttribute('action');
  reply = await press(page, page.getByRole('button', { name: 'Send now' }));
  check('it is sent, and the application answers', reply.status() === 200 && page.url() === chart, page.url());
  await shot(page, 'hold-4-sent');
  check('the application has it once', (await notes(page, first)) === 1, await notes(page, first));
  const again = await postFrom(page, address);
  check('a second time there is nothing to send', again.status() === 404 && (await notes(page, first)) === 1, again.status());

  const link = page.locator('a[href^="/.leastway/sign-in"]').first();
  await typeTooLong(page, second);
  const id = new URL(await link.getAttribute('href'), ehr).searchParams.get('hold');
  // A shared computer: the provider asks the next person who they are.
  await context.clearCookies({ domain: 'id.localhost' });
  await press(page, link);
  reply = await atProvider(page, 'registrar');
  check('another person at the same browser starts clean', reply.status() === 200 && page.url() === `${ehr}/`, page.url());
  ({ reply } = await open(page, held));
  check('and finds nothing', reply.status() === 404 && (await main(page)).includes('Nothing that you typed is kept here'), await main(page));
  await shot(page, 'hold-5-another-person');
  for (const way of ['show', 'discard']) {
    const answer = await postFrom(page, `${held}/${way}`, id);
    check(`nor by its name (${way})`, answer.status() === 404 && !(await answer.text()).includes(second), answer.status());
  }
  await open(page, `${ehr}/.leastway/me`);
  await press(page, page.locator('form[action="/.leastway/sign-out"] button').first());

  await context.clearCookies({ domain: 'id.localhost' });
  await open(page, `${ehr}/`);
  await atProvider(page, 'nurse');
  check('whose it is finds it when they come back', page.url().startsWith(held), page.url());
  reply = await press(page, page.getByRole('button', { name: 'Throw it away' }));
  check('and throws it away', page.url() === `${ehr}/` && (await open(page, held)).reply.status() === 404, page.url());
  check('the application never had it', (await notes(page, second)) === 0, await notes(page, second));
});
finish();
