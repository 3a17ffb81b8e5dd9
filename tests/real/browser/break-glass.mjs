// An emergency, in a real browser with scripts switched off, and by the keyboard alone once the page is there.
// usage: break-glass.mjs EHR_ORIGIN
import { check, finish, isAccessible, open, press, run, shot } from './open.mjs';

const [ehr] = process.argv.slice(2);
const hers = `${ehr}/patients/100001/chart`;
const another = `${ehr}/patients/100029/chart`;
const third = `${ehr}/patients/100036/chart`;
const main = (page) => page.textContent('main');
const reason = (reply) => reply.headers()['x-leastway-reason'];

/** What has the focus: its name and value, or its words. */
const focused = (page) => page.evaluate(() => {
  const { name, value, textContent } = document.activeElement;
  return [name, value].filter(Boolean).join('=') || textContent.trim();
});

/** Goes on by Tab until that has the focus; whether it was reached. */
async function tabTo(page, wanted) {
  for (let steps = 0; steps < 30; steps += 1) {
    if ((await focused(page)) === wanted) return true;
    await page.keyboard.press('Tab');
  }
  return false;
}

/** Presses Enter; gives the reply that came at last. */
const enter = (page) => press(page, { click: () => page.keyboard.press('Enter') });

await run('an emergency, with a browser', { javaScriptEnabled: false }, async (page) => {
  await open(page, `${ehr}/`);
  await page.fill('input[name=username]', 'nurse');
  await page.fill('input[name=password]', 'night-shift-4');
  await press(page, page.getByRole('button', { name: 'Go on' }));
  let { reply } = await open(page, hers);
  check('the chart of a patient in her care opens', reply.status() === 200, reply.status());

  ({ reply } = await open(page, another));
  check('that of another does not', reply.status() === 403 && reason(reply) === 'break-glass-required', reason(reply));
  check('and the page asks whether it is an emergency', (await main(page)).includes('Is it an emergency?'), await main(page));
  check('it tells the end of a number, to know the patient by', (await main(page)).includes('29'), await main(page));
  check('kept nowhere, and with nothing of others', /no-store/.test(reply.headers()['cache-control']) && /default-src 'none'/.test(reply.headers()['content-security-policy']));
  const found = await isAccessible(page, 'the page of an emergency');
  check('it has no scripts', found.scripts === 0, found.scripts);
  await shot(page, 'break-glass-1-asked');

  check('the text is reached by the keyboard', await tabTo(page, 'text'), await focused(page));
  await page.keyboard.type('crash in bay four');
  check('so is the first reason', await tabTo(page, 'reason=emergency'), await focused(page));
  reply = await enter(page);
  check('one key later the chart is open', reply.status() === 200 && page.url() === another, `${reply.status()} ${page.url()}`);
  await shot(page, 'break-glass-2-open');
  ({ reply } = await open(page, third));
  check('and no other', reply.status() === 403 && reason(reply) === 'break-glass-required', reason(reply));

  await open(page, `${ehr}/.leastway/me`);
  await isAccessible(page, 'the page with what is open');
  await shot(page, 'break-glass-3-own');
  await page.locator('a[href^="/.leastway/break-glass"]').first().focus().catch(() => {});
  if ((await page.locator('form[action="/.leastway/break-glass/end"]').count()) === 0) await open(page, `${ehr}/.leastway/break-glass`);
  check('what is open is told, and until when', (await main(page)).includes('Open now'), await main(page));
  await isAccessible(page, "the person's own emergencies");
  await shot(page, 'break-glass-4-list');
  await press(page, page.locator('form[action="/.leastway/break-glass/end"] button').first());
  ({ reply } = await open(page, another));
  check('once it is ended the chart is closed, and asks anew', reply.status() === 403 && reason(reply) === 'break-glass-required', `${reply.status()} ${reason(reply)}`);
});
finish();
