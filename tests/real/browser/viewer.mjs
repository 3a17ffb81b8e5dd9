// A nurse at Orthanc in a real browser: the explorer from patient to series, and the web viewer.
// usage: viewer.mjs GATEWAY_PORT REQUESTS_FILE
import { readFileSync, writeFileSync } from 'node:fs';
import { check, finish, open, press, run, shot } from './open.mjs';

const [port, requestsFile] = process.argv.slice(2);
const pacs = `https://pacs.localhost:${port}`;
const people = JSON.parse(readFileSync(`${process.env.REAL}/client/people.json`, 'utf8'));

await run("Orthanc's explorer and viewer in a browser", {}, async (page, context) => {
  const replies = [];
  context.on('response', (reply) => {
    if (new URL(reply.url()).port === port) replies.push(reply);
  });
  await open(page, `${pacs}/system`);
  await page.fill('input[name=username]', 'nurse');
  await page.fill('input[name=password]', people.nurse.password);
  await press(page, page.getByRole('button', { name: 'Continue' }));

  await open(page, `${pacs}/app/explorer.html`);
  const patients = page.locator('#all-patients li:visible a');
  await page.goto(`${pacs}/app/explorer.html#find-patients`);
  await page.reload();
  await patients.first().waitFor();
  check('the explorer lists its patients', (await page.textContent('#all-patients')).includes('SAMPLE'), await page.textContent('#all-patients'));
  const series = await page.evaluate(() => fetch('/series').then((reply) => reply.json()).then(([first]) => first));
  await page.goto(`${pacs}/app/explorer.html#series?uuid=${series}`);
  await page.reload();
  await page.locator('#series-info li:visible').first().waitFor();
  check('it opens a series, with its patient', (await page.textContent('#series')).includes('AXIAL'), await page.textContent('#series'));
  await shot(page, 'orthanc-series');

  await open(page, `${pacs}/web-viewer/app/viewer.html?series=${series}`);
  const drawn = () => page.evaluate(() => {
    const canvas = document.querySelector('canvas');
    const pixels = canvas?.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data ?? [];
    return new Set(pixels).size;
  });
  let shades = 0;
  for (let i = 0; i < 100 && shades < 20; i += 1) {
    await page.waitForTimeout(100);
    shades = await drawn();
  }
  check('the viewer draws an image', shades >= 20, `${shades} shades`);
  await shot(page, 'orthanc-viewer');
  const broken = replies.filter((reply) => reply.status() >= 400).map((reply) => `${reply.status()} ${reply.url()}`);
  check('nothing that the pages ask for is refused or broken', broken.length === 0, broken.join(' '));
  const ids = await Promise.all(replies.map((reply) => reply.headerValue('x-request-id')));
  writeFileSync(requestsFile, `${ids.filter(Boolean).join('\n')}\n`);
});
finish();
