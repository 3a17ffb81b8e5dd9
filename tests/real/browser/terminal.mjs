// An administrator at a terminal in a page: signs in, types, sees what comes back, waits, types again.
// usage: terminal.mjs GATEWAY_PORT
import { readFileSync } from 'node:fs';
import { check, finish, open, press, run, shot } from './open.mjs';

const [port] = process.argv.slice(2);
const terminal = `https://localhost:${port}`;
const people = JSON.parse(readFileSync(`${process.env.REAL}/client/people.json`, 'utf8'));

async function signIn(page, name) {
  await open(page, `${terminal}/`);
  await page.fill('input[name=username]', name);
  await page.fill('input[name=password]', people[name].password);
  return press(page, page.getByRole('button', { name: 'Continue' }));
}

const screen = (page) => page.locator('#vt100 #console').innerText();

async function waitFor(page, text, seconds) {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    if ((await screen(page)).includes(text)) return true;
    await page.waitForTimeout(100);
  }
  return false;
}

await run('a terminal in a browser', {}, async (page) => {
  const failures = [];
  page.on('response', (reply) => {
    if (new URL(reply.url()).port === port && reply.status() >= 400) failures.push(`${reply.status()} ${reply.url()}`);
  });
  await signIn(page, 'administrator');
  await page.locator('#vt100 #console').waitFor();
  check('the shell says that it is there', await waitFor(page, '$', 15), await screen(page));
  // Two halves, so that what is typed is not what is waited for.
  await page.keyboard.type('echo leastway-was"-here"\n', { delay: 30 });
  check('what is typed is answered', await waitFor(page, 'leastway-was-here', 15), await screen(page));
  await page.keyboard.type('sleep 4; echo slept"-well"\n', { delay: 30 });
  check('a poll waits for what comes later', await waitFor(page, 'slept-well', 15), await screen(page));
  await page.keyboard.type('seq 2000 | tail -1; stty size\n', { delay: 30 });
  check('much output comes whole', await waitFor(page, '2000', 15), await screen(page));
  await shot(page, 'terminal');
  check('nothing of the page was refused or broken', failures.length === 0, failures.join(' '));
  page.on('dialog', (dialog) => dialog.accept());
});

await run('a nurse at the terminal', {}, async (page) => {
  const reply = await signIn(page, 'nurse');
  check('a nurse gets a page of ours and no shell', reply.status() === 403 && reply.headers()['x-leastway-reason'] === 'no-rule-matched', reply.status());
});
finish();
