(function () {
  'use strict';
  // Tells the page that opened this window, and the others of this origin; then there is nothing more to see here.
  if (window.opener) window.opener.postMessage('leastway:signed-in', location.origin);
  if ('BroadcastChannel' in window) new BroadcastChannel('leastway').postMessage('signed-in');
  else try { localStorage.setItem('leastway', 'signed-in ' + Date.now()); } catch (error) { /* The opener knows. */ }
  setTimeout(function () { window.close(); }, 50);
})();
