import { join } from 'node:path';
import { command, ROOT, type StartedServer } from './environment.ts';

/** Runs examples/audit-consumer twice around a refused and an accepted request. Throws where its lines are not those. */
export async function auditConsumer(venv: string, server: StartedServer): Promise<void> {
  const consume = async (): Promise<readonly string[]> => {
    const script = join(ROOT, 'examples', 'audit-consumer', 'audit.py');
    const position = join(server.dataDir, 'audit.position');
    const args = [script, '--uri', server.eventStoreUri, '--position', position];
    const { status, stdout, stderr } = await command(join(venv, 'bin', 'python'), args, {});
    if (status !== 0) throw new Error(stderr);
    return stdout.split('\n').filter((line) => line !== '');
  };
  const create = (sizeGiB: number) =>
    fetch(`${server.url}/v3/audited/volumes`, {
      method: 'POST',
      headers: { 'x-auth-token': 'ann:audited', 'content-type': 'application/json' },
      body: JSON.stringify({ volume: { size: sizeGiB } }),
    });

  await create(1);
  const first = await consume();
  expectLine(first, /ann@audited {2}127\.0\.0\.1 {2}VolumeCreationRequested {2}volume-\S+ {2}done$/);
  await create(999_999);
  // The note of a refusal is written off the answer's path.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const second = await consume();
  expectLine(second, /ann@audited {2}127\.0\.0\.1 {2}CommandRefused {2}refusals-audited-\S+ {2}refused .*Quota/);
  const again = second.find((line) => first.includes(line) && line.includes('VolumeCreationRequested'));
  if (again !== undefined) throw new Error(`printed twice: ${again}`);
}

function expectLine(lines: readonly string[], pattern: RegExp): void {
  if (!lines.some((line) => pattern.test(line))) throw new Error(`no line ${pattern} among ${lines.length}`);
}
