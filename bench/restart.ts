/**
 * How long after kill -9 a server with many volumes serves again, from the start of node to the first 200 of /readyz.
 * The log is seeded through the event store port, without backend files.
 * Usage: node bench/restart.ts [--short | --scale]
 */
import { isScale, isShort, median, print, rounded } from './figures.ts';
import { seedDirectory } from './seeding.ts';
import { startServerProcess, withDirectory } from './server-process.ts';

const VOLUMES = isScale ? 100_000 : 10_000;
const TIMES = isShort ? 3 : 5;

await withDirectory(async (directory) => {
  const seeded = await seedDirectory(directory, VOLUMES);
  const first = await startServerProcess(directory);
  print({
    what: `first start on a log of ${seeded} events: read models built`,
    seconds: rounded(first.readyMs / 1_000),
  });
  await first.kill();
  const durations: number[] = [];
  for (let time = 0; time < TIMES; time += 1) {
    const server = await startServerProcess(directory);
    durations.push(server.readyMs);
    await server.kill();
  }
  print({
    what: `ready after kill -9 with ${VOLUMES} volumes`,
    seconds: rounded(median(durations) / 1_000),
    note: `fastest ${Math.round(Math.min(...durations))} ms, slowest ${Math.round(Math.max(...durations))} ms`,
  });
});
