// Debian's Chromium, without a screen; it trusts the authority of the run as a person's browser would,
// so that a mistake in TLS shows. Checks print the lines that tests/run counts.
import { chromium } from 'playwright-core';

let failed = 0;

/** Says whether `sentence` holds. */
export function check(sentence, holds, found = '') {
  console.log(`${holds ? 'ok      ' : 'FAILED  '} ${sentence}`);
  if (holds) return true;
  failed += 1;
  if (found !== '') console.log(`           found: ${String(found).replace(/\s+/g, ' ').slice(0, 400)}`);
  return false;
}

/** Runs `flow` with a fresh browser, started with `more` switches. What it throws is a check that failed. */
export async function run(sentence, options, flow, more = []) {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    headless: true,
    env: { ...process.env, HOME: process.env.BROWSER_HOME },
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-component-update',
      '--disable-sync', '--disable-dev-shm-usage', '--no-first-run', '--host-resolver-rules=MAP *.localhost 127.0.0.1', ...more],
  });
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, acceptDownloads: true, locale: 'en-US', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  try {
    await flow(page, context);
  } catch (error) {
    check(sentence, false, `${error.message} at ${page.url()}`);
    await shot(page, `failed-${sentence.replace(/\W+/g, '-').slice(0, 60)}`).catch(() => {});
  } finally {
    await browser.close();
  }
}

export const shot = (page, name) => page.screenshot({ path: `${process.env.SHOTS}/${name}.png`, fullPage: true });

/** Opens an address; gives the reply that came at last, and how many times it was sent on. */
export async function open(page, url) {
  const reply = await page.goto(url, { waitUntil: 'load' });
  let redirects = 0;
  for (let request = reply.request().redirectedFrom(); request; request = request.redirectedFrom()) redirects += 1;
  return { reply, redirects };
}

/** Presses a button that leads to another page; gives the reply that came at last. */
export async function press(page, locator) {
  const [reply] = await Promise.all([
    page.waitForResponse((response) => response.request().isNavigationRequest() && ![301, 302, 303, 307].includes(response.status())),
    locator.click(),
  ]);
  await page.waitForLoadState('load');
  return reply;
}

/** What WCAG 2.2 asks of any page and a script can see. */
export async function isAccessible(page, name) {
  const found = await page.evaluate(() => {
    const named = (field) => field.labels?.length || field.getAttribute('aria-label') || field.getAttribute('aria-labelledby');
    const fields = [...document.querySelectorAll('input:not([type=hidden]), select, textarea')];
    const words = (element) => (element.textContent + (element.getAttribute('aria-label') ?? '')).trim();
    return {
      lang: document.documentElement.lang,
      title: document.title,
      h1: document.querySelectorAll('h1').length,
      main: document.querySelectorAll('main').length,
      nameless: fields.filter((field) => !named(field)).length,
      mute: [...document.querySelectorAll('a[href], button')].filter((element) => !words(element)).length,
      scripts: document.scripts.length,
    };
  });
  const whole = found.lang && found.title && found.h1 === 1 && found.main === 1 && !found.nameless && !found.mute;
  check(`${name}: language, title, one heading, one main part, every field and link named`, whole, JSON.stringify(found));
  const wide = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 640 });
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  check(`${name}: nothing is cut off at 320 pixels (WCAG 1.4.10)`, overflow <= 0, `${overflow} pixels`);
  await page.setViewportSize(wide);
  return found;
}

export function finish() {
  process.exitCode = failed ? 1 : 0;
}
