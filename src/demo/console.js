// The live log: what the engine does, and an echo of what is typed.
const log = document.getElementById("log");
const form = document.getElementById("say");
const socket = new WebSocket(`wss://${location.host}/live/socket`);
const write = (line) => {
  log.append(`${line}\n`);
  log.scrollTop = log.scrollHeight;
};
socket.addEventListener("message", (event) => write(event.data));
socket.addEventListener("close", () => write("— the connection has ended —"));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  socket.send(form.elements.text.value);
  form.reset();
});
