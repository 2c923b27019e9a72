import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a raw connection had for its bytes. */
export interface Heard {
  /** Everything the server sent. */
  readonly text: string;
  /** Status of each answer, in order. */
  readonly statuses: readonly number[];
  /** Whether the server closed the connection, and after how many ms. */
  readonly closed: boolean;
  readonly afterMs: number;
}

export interface RawOptions {
  /** How long to listen when the server does not close the connection. */
  readonly listenMs?: number;
  /** Says that nothing more will come, but goes on listening. */
  readonly halfClose?: boolean;
  /** Breaks the connection off after so many ms. */
  readonly breakOffAfterMs?: number;
  /** Never reads what the server sends. */
  readonly deaf?: boolean;
}

/** Bytes, and pauses between them in ms. */
export type Script = readonly (string | Buffer | number)[];

const ANSWER = /HTTP\/1\.1 (\d{3})/g;

/** Opens a connection, sends the script and listens until the server closes it or the time is over. */
export async function speak(url: string, script: Script, options: RawOptions = {}): Promise<Heard> {
  const { listenMs = 1_000, halfClose = false, breakOffAfterMs, deaf = false } = options;
  const { hostname, port } = new URL(url);
  const startedAt = performance.now();
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  const chunks: Buffer[] = [];
  let closed = false;
  if (!deaf) socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  // a connection that was broken off is closed as well
  socket.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => {
    const end = (): void => {
      closed = true;
      resolve();
    };
    socket.once('end', end);
    socket.once('close', end);
  });
  const send = async (): Promise<void> => {
    for (const part of script) {
      if (closed) return;
      if (typeof part === 'number') await Promise.race([sleep(part), ended]);
      else socket.write(part);
    }
    if (halfClose) socket.end();
    await Promise.race([ended, sleep(breakOffAfterMs ?? listenMs)]);
  };
  await send();
  const text = Buffer.concat(chunks).toString();
  const heard = {
    text,
    statuses: [...text.matchAll(ANSWER)].map(([, status]) => Number(status)),
    closed,
    afterMs: performance.now() - startedAt,
  };
  socket.destroy();
  return heard;
}
