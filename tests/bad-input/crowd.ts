import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ADMIN } from './bad-request.ts';

/** Many clients at once. Each returns what is wrong; null where nothing is. */

const asked = async (url: string, withinMs: number): Promise<number | null> => {
  const signal = AbortSignal.timeout(withinMs);
  const answer = await fetch(`${url}/v3/demo/volumes`, { headers: { 'X-Auth-Token': ADMIN }, signal }).catch(
    () => null,
  );
  return answer?.status ?? null;
};

/** Connections that are opened and say nothing, more than the server takes: they do not keep others out for long. */
export async function crowdOfSilent(
  url: string,
  maxConnections: number,
  requestTimeoutMs: number,
): Promise<string | null> {
  const { hostname, port } = new URL(url);
  const sockets: Socket[] = [];
  let closed = 0;
  for (let n = 0; n < maxConnections + 20; n += 1) {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      closed += 1;
    });
    socket.resume();
    sockets.push(socket);
  }
  await sleep(200);
  const turnedAway = closed;
  await sleep(2 * requestTimeoutMs);
  const left = sockets.length - closed;
  const status = await asked(url, 2_000);
  for (const socket of sockets) socket.destroy();
  if (turnedAway < 20) return `of ${sockets.length} connections only ${turnedAway} were turned away`;
  if (left > 0) return `${left} silent connections are still open`;
  return status === 200 ? null : `afterwards a client hears ${status ?? 'nothing'}`;
}

/** A client that asks and asks and never reads: what it is owed does not pile up in the server, and others are served. */
export async function deafClient(url: string): Promise<string | null> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.pause();
  const request = `GET /v3/demo/volumes/detail HTTP/1.1\r\nHost: scoria\r\nX-Auth-Token: ${ADMIN}\r\n\r\n`;
  for (let n = 0; n < 200; n += 1) {
    socket.write(request.repeat(100));
    await sleep(1);
  }
  const status = await asked(url, 2_000);
  socket.destroy();
  return status === 200 ? null : `meanwhile another client hears ${status ?? 'nothing'}`;
}
