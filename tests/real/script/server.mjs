// A small application that knows nothing of any gateway: a page that asks by `fetch` and by XMLHttpRequest, notes that are
// added, and a session of its own in a cookie. What reached it is told at /reached, which no gateway leads to.
// usage: server.mjs PORT
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';

const notes = [];
const logouts = [];
let polls = 0;
let visits = 0;

const page = (number) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Notes</title></head>
<body style="font:16px sans-serif;margin:3em">
<h1>Notes</h1><p>Visit <output id="visit">${number}</output>, polled <output id="polls">0</output> times</p>
<label>Note <textarea id="text" rows="4" cols="60"></textarea></label>
<p><button id="fetch">Save by fetch</button> <button id="xhr">Save by XHR</button>
<button id="fetch-view">Save by fetch, then view</button> <button id="xhr-view">Save by XHR, then view</button> <output id="told"></output></p>
<a href="/logout">Leave</a>
<script src="/app.js"></script></body></html>`;

const script = `
const told = document.getElementById('told'), text = document.getElementById('text');
const note = () => JSON.stringify({ text: text.value });
setInterval(() => fetch('/poll').then((reply) => reply.ok && reply.json()).then((found) => {
  if (found) document.getElementById('polls').textContent = found.polls;
}), 1000);
const byFetch = (to) => async () => {
  const reply = await fetch(to, { method: 'POST', headers: { 'content-type': 'application/json' }, body: note() });
  told.textContent = 'fetch ' + reply.status;
};
const byXhr = (to) => () => {
  const xhr = new XMLHttpRequest();
  let states = '';
  xhr.onreadystatechange = () => { states += xhr.readyState; };
  xhr.open('POST', to);
  xhr.responseType = 'json';
  xhr.setRequestHeader('content-type', 'application/json');
  xhr.onloadend = () => { told.textContent = 'xhr ' + xhr.status + ' ' + states; };
  xhr.send(note());
};
for (const [end, to] of [['', '/notes'], ['-view', '/save']]) {
  document.getElementById('fetch' + end).onclick = byFetch(to);
  document.getElementById('xhr' + end).onclick = byXhr(to);
}`;

http.createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost');
  const body = await text(request);
  const say = (value, status = 200) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  };
  if (pathname === '/poll') return say({ polls: ++polls });
  if (pathname === '/app.js') return response.writeHead(200, { 'content-type': 'text/javascript' }).end(script);
  if (pathname === '/reached') return say({ notes, logouts, polls });
  if (pathname === '/notes' && request.method === 'POST') {
    notes.push(JSON.parse(body).text);
    return say({ notes: notes.length }, 201);
  }
  if (pathname === '/save' && request.method === 'POST') {
    notes.push(JSON.parse(body).text);
    await pause(2000); // for the browser to lose its session meanwhile
    return response.writeHead(303, { location: '/view' }).end();
  }
  if (pathname === '/view') return say({ notes: notes.length });
  if (pathname === '/logout') {
    logouts.push(request.headers.cookie ?? '');
    return response.writeHead(302, { location: '/' }).end();
  }
  visits += 1;
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'self'; style-src 'unsafe-inline'",
    'set-cookie': `NOTES=session-${visits}; Path=/; HttpOnly`,
  });
  return response.end(page(visits));
}).listen(Number(process.argv[2]), '127.0.0.1');
