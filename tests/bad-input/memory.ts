import { readFileSync } from 'node:fs';

/** What a server's process holds once its garbage is gone, in MB. */
export interface Memory {
  readonly residentMb: number;
  readonly heapMb: number;
}

const MB = 1024 * 1024;

/** What counts as flat between two looks at a server that has nothing new to keep. */
export const FLAT: Memory = { residentMb: 10, heapMb: 1.5 };

/** Put into NODE_OPTIONS of a server's process, so that its garbage can be collected from outside. */
export const INSPECTED = '--inspect=127.0.0.1:0';

/** Collects the garbage of a server that was started as INSPECTED, and reads what is left; `log` is what it printed. */
export async function memoryOf(pid: number, log: string): Promise<Memory> {
  const inspector = /Debugger listening on (ws:\S+)/.exec(log)?.[1];
  if (inspector === undefined) throw new Error(`the server was not started with ${INSPECTED}`);
  const usedBytes = await withInspector(inspector, async (ask) => {
    await ask('HeapProfiler.enable');
    // what finalizers let go of is garbage for the second time only
    for (let times = 0; times < 3; times += 1) await ask('HeapProfiler.collectGarbage');
    return Number((await ask('Runtime.getHeapUsage')).usedSize);
  });
  const residentKb = Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  return { residentMb: residentKb / 1024, heapMb: usedBytes / MB };
}

type Result = Readonly<Record<string, unknown>>;

async function withInspector<T>(
  url: string,
  use: (ask: (method: string) => Promise<Result>) => Promise<T>,
): Promise<T> {
  const socket = new WebSocket(url);
  await new Promise((resolve, fail) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', fail, { once: true });
  });
  let asked = 0;
  const ask = (method: string): Promise<Result> =>
    new Promise((resolve) => {
      asked += 1;
      const id = asked;
      const listen = ({ data }: MessageEvent): void => {
        const said = JSON.parse(String(data));
        if (said.id !== id) return;
        socket.removeEventListener('message', listen);
        resolve(said.result);
      };
      socket.addEventListener('message', listen);
      socket.send(JSON.stringify({ id, method }));
    });
  try {
    return await use(ask);
  } finally {
    socket.close();
  }
}

/** What is wrong with how memory grew; null where it is flat. */
export function growthBetween(before: Memory, after: Memory): string | null {
  const flat = after.heapMb - before.heapMb <= FLAT.heapMb && after.residentMb - before.residentMb <= FLAT.residentMb;
  return flat ? null : `grew from ${shownMemory(before)} to ${shownMemory(after)}`;
}

export const shownMemory = ({ residentMb, heapMb }: Memory): string =>
  `${residentMb.toFixed(0)} MB resident, ${heapMb.toFixed(1)} MB heap`;
