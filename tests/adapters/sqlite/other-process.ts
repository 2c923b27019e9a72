import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('./holding-process.ts', import.meta.url));

export interface OtherProcess {
  readonly pid: number;
  /** Everything it has printed so far. */
  readonly lines: readonly string[];
  /** Resolves with the first line that matches, also one that was printed before. */
  line(matching: RegExp): Promise<string>;
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>;
}

/** Starts holding-process.ts as a process of its own. */
export function startProcess(...args: readonly string[]): OtherProcess {
  const child: ChildProcess = spawn(process.execPath, [SCRIPT, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  if (child.stdout === null || child.pid === undefined) throw new Error(`${SCRIPT} did not start`);
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    for (const look of waiting) look();
  });
  return {
    pid: child.pid,
    lines,
    line: (matching) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = lines.find((line) => matching.test(line));
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
