// Texts, a large message, a ping and a close by ws, the WebSocket client of Node.js, in clear and by TLS. Prints what it saw.
//   ws_client.mjs MODULES ADDRESS HOST CA
import { createRequire } from 'node:module';
import { once } from 'node:events';
import crypto from 'node:crypto';
import fs from 'node:fs';

const [modules, address, host, ca] = process.argv.slice(2);
const WebSocket = createRequire(modules + '/')('ws');
const options = { headers: { Host: host }, servername: host, ca: fs.readFileSync(ca) };

for (const scheme of ['ws', 'wss']) {
  const socket = new WebSocket(`${scheme}://${address}/`, options);
  await once(socket, 'open');
  const ask = async (message) => { socket.send(message); return (await once(socket, 'message'))[0]; };
  console.log(scheme, (await ask('hello')).toString().split(' ')[1]);
  const large = crypto.randomBytes(1_000_000);
  console.log(scheme, large.equals(await ask(large)) ? 'same' : 'differs');
  socket.ping('are you there');
  console.log(scheme, (await once(socket, 'pong'))[0].toString());
  socket.close(1000, 'done');
  console.log(scheme, 'closed', (await once(socket, 'close'))[0]);
}
