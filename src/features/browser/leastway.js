// Beside a page: a request that meets an ended session waits for a sign-in in a window of its own, and is sent again if its
// person comes back; a warning comes before the lock; a sign stands while something is not as it should be.
(function () {
'use strict';
if (window.leastway || !window.fetch) return;
window.leastway = true;

const WAITING_MAX = 32, DISMISSED_MS = 60000;
const fetchOnce = window.fetch.bind(window), NativeXhr = window.XMLHttpRequest, waiting = [];
// Whose page this is: a tag that names nobody.
let person = null;
let words = null, timer = 0, dismissed = 0, shown = null;
// What is degraded, and how that is shown.
let states = [], sign = null;

/** Asks; only POST extends. Whether the page's person is signed in. */
async function look(method) {
  let now;
  lookIn(60);
  try {
    now = await (await fetchOnce('/.leastway/session', { method, credentials: 'same-origin', cache: 'no-store' })).json();
  } catch (error) {
    return false;
  }
  degrade(now.degraded);
  // A refusal has none.
  if (!now.words) return false;
  words = now.words;
  if (!now.person) {
    if (!states.length) clearTimeout(timer);
    if (person) offer(words.ended, '/.leastway/sign-in');
    return false;
  }
  // Another's page, or nobody knows whose: it starts clean, and posts no form again.
  if (person ? person !== now.person : waiting.length) return location.replace(location.pathname + location.search);
  person = now.person;
  const end = Math.min(now.idle_seconds, now.absolute_seconds);
  const left = now.lock_seconds === null ? end : Math.min(end, now.lock_seconds), ahead = left - now.warn_seconds;
  if (ahead > 0) {
    if (shown && (shown.warns || !waiting.length)) hide();
  } else {
    const isEnd = left === now.absolute_seconds, ways = [[words.later, hide]];
    if (!isEnd) ways.unshift([words.stay, () => look('POST').then(here)]);
    bar((isEnd ? words.ends : words.locks).replace('{minutes}', Math.ceil(left / 60)), ways, true);
  }
  lookIn(ahead > 0 ? ahead : left + 1);
  return true;
}

/** Asks again after so many seconds; five minutes at most, and one while something is degraded. */
function lookIn(seconds) {
  clearTimeout(timer);
  timer = setTimeout(look, Math.min(seconds, states.length ? 60 : 300) * 1000, 'GET');
}

/** Shows what is degraded. What its person has put aside comes back when it does, on whatever page of the tab. */
function degrade(now) {
  states = now ? now.states : [];
  const aside = put().filter((state) => states.includes(state));
  put(aside);
  const isNews = states.some((state) => !aside.includes(state));
  if (sign && isNews && sign.text === now.text && sign.host.parentNode === place()) return;
  if (sign) take(sign.host);
  sign = isNews && { text: now.text, host: raise(now.text, [[now.aside, () => { put(states); degrade(now); }]], 'status',
    now.color === 'red' ? '#a00012;color:#fff' : '#ffc233;color:#1a1a1a') };
}

/** Which states are put aside; all of these from now on. */
function put(these) {
  try {
    if (these) sessionStorage.leastway = these;
    return (sessionStorage.leastway || '').split(',');
  } catch (error) {
    return [];
  }
}

// Tabs of one origin agree.
const channel = window.BroadcastChannel && new BroadcastChannel('leastway');
function tell(word) {
  if (channel) channel.postMessage(word);
  else try { localStorage.setItem('leastway', word + ' ' + Date.now()); } catch (error) { /* They ask themselves. */ }
}
const here = (isIn) => isIn && tell('here-' + person);
function hear(word) {
  if (word === 'here-' + person && !shown) return;
  look('GET').then((isIn) => isIn && word === 'signed-in' && settle(true));
}
if (channel) channel.onmessage = (event) => hear(event.data);
addEventListener('pageshow', (event) => event.persisted && look('GET'));
addEventListener('storage', (event) => event.key === 'leastway' && hear(String(event.newValue).split(' ')[0]));
addEventListener('message', (event) => {
  if (event.origin === location.origin && event.data === 'leastway:signed-in') hear('signed-in');
});

// The bar does not move, nor take the focus.
function make(name, style, text) {
  const element = document.createElement(name);
  element.style.cssText = style;
  element.textContent = text;
  return element;
}

function place() {
  return document.querySelector('dialog[open]') || document.body;
}

function raise(text, ways, role, colors) {
  const host = make('div', 'all:initial;position:fixed;z-index:2147483647;left:0;right:0;bottom:0');
  const box = make('div', 'display:flex;flex-wrap:wrap;gap:12px;align-items:center;padding:12px;'
    + 'border-top:2px solid;font:16px/1.5 sans-serif;background:' + colors);
  const said = make('span', '');
  said.setAttribute('role', role);
  box.append(said, ...ways.map(([label, act]) => {
    const button = make('button', 'font:inherit;min-height:44px;padding:8px 20px;background:#fff;color:#1a1a1a', label);
    button.onclick = act;
    return button;
  }));
  host.addEventListener('focusin', (event) => { host.from = host.from || event.relatedTarget; });
  box.addEventListener('keydown', (event) => event.key === 'Escape' && ways[ways.length - 1][1]());
  host.attachShadow({ mode: 'open' }).append(box);
  place().append(host);
  // A change is read aloud.
  setTimeout(() => { said.textContent = text; stack(); });
  return host;
}

function take(host) {
  const hadFocus = document.activeElement === host;
  host.remove();
  if (hadFocus && host.from) host.from.focus();
}

/** The sign stands above the bar. */
function stack() {
  if (sign) sign.host.style.bottom = (shown ? shown.host.offsetHeight : 0) + 'px';
}

function bar(text, ways, warns) {
  // It would be read again.
  if (shown && shown.text === text) return;
  hide();
  shown = { host: raise(text, ways, 'alert', '#1a1a1a;color:#fff'), text, warns };
}

function hide() {
  if (!shown) return;
  take(shown.host);
  shown = null;
  stack();
}

function offer(text, path) {
  const address = new URL(path, location.origin);
  address.searchParams.set('return_to', '/.leastway/signed-in?at=' + location.pathname);
  const decline = () => { dismissed = Date.now(); settle(false); };
  bar(text, [[words.sign_in, () => window.open(address, 'leastway', 'popup,width=560,height=720')], [words.later, decline]]);
}

function settle(again) {
  hide();
  waiting.splice(0).forEach((go) => go(again));
}

const isSafe = (method) => /^(GET|HEAD)$/i.test(method);

/** Where to sign in, if the reply is ours and says so. */
function wayOn(status, url, header) {
  if (!url.startsWith(location.origin + '/')) return null;
  if (!states.length && header('x-leastway-degraded')) lookIn(0);
  return status === 401 && header('x-leastway-sign-in');
}

/** Whether to send again, once somebody has signed in; `may`: whether it can be. */
async function signIn(path, method, may, signal) {
  await ready;
  if (!words || isSafe(method) && Date.now() - dismissed < DISMISSED_MS || waiting.length >= WAITING_MAX) return false;
  offer(path.startsWith('/.leastway/step-up') ? words.more : words.ended, path);
  return may && new Promise((go) => {
    waiting.push(go);
    // Sent again, it fails as aborted.
    if (signal) signal.addEventListener('abort', () => go(true));
  });
}

window.fetch = async function (input, init) {
  const request = input instanceof Request && !input.bodyUsed && input;
  const copy = request ? request.clone() : input;
  const reply = await fetchOnce(input, init);
  const header = (name) => reply.headers.get(name), of = (name) => init && init[name] || request && request[name];
  const path = wayOn(reply.status, reply.url, header), method = of('method') || 'GET';
  if (!path) return reply;
  // It can be read once.
  const isStream = init && init.body instanceof ReadableStream;
  const may = !isStream && (isSafe(method) || !reply.redirected && !header('x-leastway-sent'));
  return await signIn(path, method, may, of('signal')) ? fetchOnce(copy, init) : reply;
};

function Xhr() {
  const xhr = Reflect.construct(NativeXhr, [], new.target || Xhr), { open, setRequestHeader, send, abort } = xhr;
  const header = (name) => xhr.getResponseHeader(name);
  let sent = null, isQuiet = false;
  xhr.open = (...args) => { sent = { args, headers: [] }; return open.apply(xhr, args); };
  xhr.setRequestHeader = (...pair) => { if (sent) sent.headers.push(pair); return setRequestHeader.apply(xhr, pair); };
  xhr.send = (body) => { if (sent) sent.body = body; return send.call(xhr, body); };
  xhr.abort = () => { sent = null; return abort.call(xhr); };

  async function resume(path, mine) {
    const [method, to] = mine.args;
    // Not where it was led to.
    const isFirst = new URL(to, document.baseURI).href.split('#')[0] === xhr.responseURL;
    const again = await signIn(path, method, isSafe(method) || isFirst && !header('x-leastway-sent'));
    // The page has done something else with it.
    if (sent !== mine) return;
    mine.isOver = true;
    if (!again) return ['readystatechange', 'load', 'loadend'].forEach((name) => xhr.dispatchEvent(new ProgressEvent(name)));
    isQuiet = true;
    open.apply(xhr, mine.args);
    mine.headers.forEach((pair) => setRequestHeader.apply(xhr, pair));
    send.call(xhr, mine.body);
    isQuiet = false;
  }

  // First of all listeners: what they stop the page does not see.
  ['readystatechange', 'loadstart', 'progress', 'load', 'loadend'].forEach((name) => xhr.addEventListener(name, (event) => {
    const path = sent && !sent.isOver && sent.args[2] !== false && xhr.readyState > 1
      && wayOn(xhr.status, xhr.responseURL, header);
    if (path || isQuiet) event.stopImmediatePropagation();
    if (path && name === 'loadend') resume(path, sent);
  }));
  return xhr;
}
Xhr.prototype = NativeXhr.prototype;
Object.setPrototypeOf(Xhr, NativeXhr);
window.XMLHttpRequest = Xhr;
const ready = look('GET').then(here);
})();
