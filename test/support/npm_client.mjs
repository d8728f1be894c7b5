// exec, attach, port-forward and watch by @kubernetes/client-node, the client library of Node.js. Prints what it saw.
import { createRequire } from 'node:module';
import { PassThrough, Writable } from 'node:stream';
import net from 'node:net';
import crypto from 'node:crypto';

const require = createRequire(process.argv[2] + '/');
const k8s = require('@kubernetes/client-node');
const config = new k8s.KubeConfig();
config.loadFromDefault();

const collect = () => {
  const pieces = [];
  const stream = new Writable({ write(chunk, _, done) { pieces.push(chunk); done(); } });
  stream.bytes = () => Buffer.concat(pieces);
  return stream;
};
const sha = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');

async function exec(command, input) {
  const out = collect(), err = collect();
  const status = await new Promise((resolve, reject) => {
    new k8s.Exec(config).exec('default', 'box', 'main', command, out, err, input ?? null, false, resolve).catch(reject);
  });
  return { out: out.bytes(), err: err.bytes().toString(), status };
}

const hello = await exec(['echo', 'hello']);
console.log('exec', hello.out.toString().trim(), hello.status.status);
const failed = await exec(['sh', '-c', 'echo oops >&2; exit 3']);
console.log('exec', failed.err.trim(), failed.status.reason, failed.status.details.causes[0].message);
const random = crypto.randomBytes(2_000_000);
const input = new PassThrough();
const echoed = exec(['head', '-c', String(random.length)], input);
input.end(random);
console.log('stdin', sha((await echoed).out) === sha(random) ? 'same' : 'differs');

const attached = collect();
const attachInput = new PassThrough();
const socket = await new k8s.Attach(config).attach('default', 'talker', 'main', attached, null, attachInput, false);
for (let i = 0; i < 100 && !attached.bytes().includes('tick'); i++) await new Promise((r) => setTimeout(r, 100));
console.log('attach', attached.bytes().includes('tick'));
socket.close();

const forward = new k8s.PortForward(config);
const server = net.createServer((client) => forward.portForward('default', 'web', [80], client, null, client));
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const page = await new Promise((resolve, reject) => {
  const client = net.connect(server.address().port, '127.0.0.1');
  let text = '';
  client.write('GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n');
  client.on('data', (data) => { text += data; if (text.includes('</html>')) resolve(text); });
  client.on('error', reject);
  client.on('close', () => resolve(text));
});
console.log('port-forward', page.split('\r\n')[0], page.includes('Welcome to nginx'));

const api = config.makeApiClient(k8s.CoreV1Api);
const seen = new Promise((resolve, reject) => {
  new k8s.Watch(config).watch('/api/v1/namespaces/default/configmaps', {}, (type, object) => {
    if (object.metadata.name === 'watched') resolve(type);
  }, reject);
});
await api.createNamespacedConfigMap({ namespace: 'default', body: { metadata: { name: 'watched' } } });
console.log('watch', await seen);
process.exit(0);
