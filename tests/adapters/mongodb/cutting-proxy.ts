import { connect, createServer, type Socket } from 'node:net';

/**
 * A proxy in a process of its own (`fork`, the target's port as its argument): tells its port, and ends every connection at
 * once at each message, as an engine that stops does. In the client's process they would end one after the other.
 */
const target = Number(process.argv[2]);
const clients = new Set<Socket>();

const server = createServer((client) => {
  const upstream = connect(target, '127.0.0.1');
  clients.add(client);
  for (const [from, to] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    from.on('data', (chunk) => to.write(chunk));
    from.on('error', () => undefined);
    from.on('close', () => {
      to.destroy();
      clients.delete(client);
    });
  }
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.(typeof address === 'object' && address !== null ? address.port : 0);
});
process.on('message', () => {
  for (const client of clients) client.end();
});
process.on('disconnect', () => process.exit());
