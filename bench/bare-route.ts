/**
 * The yardstick of reads, a process of its own: a Fastify route that answers fixed bytes and looks at nothing.
 * Prints its address. Usage: node bench/bare-route.ts, with `{ "<path>": { "headers": ..., "body": ... } }` on stdin.
 */
import Fastify from 'fastify';

let text = '';
for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk;
const answers = JSON.parse(text) as Record<string, { headers: Record<string, string>; body: string }>;
const app = Fastify({ logger: false });
for (const [path, { headers, body }] of Object.entries(answers)) {
  app.get(path, (_request, reply) => {
    reply.headers(headers).send(body);
  });
}
console.log(await app.listen({ host: '127.0.0.1', port: 0 }));
process.once('SIGTERM', () => process.exit(0));
