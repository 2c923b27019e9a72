import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { sideBySideMutants } from './mutants/side-by-side.ts';
import { describeRun } from './report.ts';
import { type SimulationOptions, type SimulationReport, simulate } from './simulation.ts';

/*
 * npm run test:simulation -- [--seeds 1000] [--first 1] [--workers n]    runs many seeds, and names those that fail
 * npm run test:simulation -- --seed 42                                   runs one, and tells all that happened
 * npm run test:simulation -- --mutant <name> [--seeds n]                 processes side by side with a defect of mutants/side-by-side.ts
 */

type Figures = SimulationReport['figures'];

interface Chunk {
  readonly first: number;
  readonly seeds: number;
  readonly mutant: string | null;
}

interface Verdict {
  readonly seed: number;
  readonly figures: Figures;
  readonly violations: readonly string[];
}

/** A worker takes most of a second to load what it runs; a few chunks for each keep all busy to the end. */
const MOST_IN_A_CHUNK = 500;
const CHUNKS_PER_WORKER = 4;
/** A long run says so often that it still goes on. */
const PROGRESS_EVERY = 5_000;

/** Every twentieth seed runs several processes that carry operations out; every fortieth, ones that often stand still before a claim. */
const optionsOf = (seed: number): SimulationOptions => ({ many: seed % 20 === 0, pausesBeforeClaims: seed % 40 === 0 });

if (isMainThread) await main();
else await work(workerData as Chunk);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '1000' },
      first: { type: 'string', default: '1' },
      workers: { type: 'string', default: String(availableParallelism()) },
      seed: { type: 'string' },
      mutant: { type: 'string' },
    },
  });
  if (values.seed !== undefined) {
    const report = await simulate(Number(values.seed), { history: true, ...optionsOf(Number(values.seed)) });
    console.log(describeRun(report));
    process.exitCode = report.violations.length === 0 ? 0 : 1;
    return;
  }
  await runMany(Number(values.first), Number(values.seeds), Number(values.workers), values.mutant ?? null);
}

/** Chunks of seeds go to whichever worker is free: a run may take long. */
async function runMany(first: number, seeds: number, workers: number, mutant: string | null): Promise<void> {
  const startedAt = performance.now();
  const sums: Record<keyof Figures, number> = {
    steps: 0,
    simulatedMs: 0,
    events: 0,
    crashes: 0,
    parked: 0,
    operations: 0,
  };
  const failed: number[] = [];
  let next = first;
  const last = first + seeds;
  let done = 0;
  const secondsSoFar = (): string => ((performance.now() - startedAt) / 1000).toFixed(1);
  const onVerdict = ({ seed, figures, violations }: Verdict): void => {
    for (const key of Object.keys(sums) as (keyof Figures)[]) sums[key] += figures[key];
    done += 1;
    if (done % PROGRESS_EVERY === 0 && done < seeds) {
      console.log(`${done} of ${seeds} seeds after ${secondsSoFar()} s, ${failed.length} failed`);
    }
    if (violations.length === 0) return;
    failed.push(seed);
    console.log(`seed ${seed}: ${violations[0]}${violations.length > 1 ? ` (and ${violations.length - 1} more)` : ''}`);
  };
  const inAChunk = Math.min(MOST_IN_A_CHUNK, Math.ceil(seeds / workers / CHUNKS_PER_WORKER));
  const drive = async (): Promise<void> => {
    while (next < last) {
      const chunk = { first: next, seeds: Math.min(inAChunk, last - next), mutant };
      next += chunk.seeds;
      await new Promise<void>((resolve, reject) => {
        const worker = new Worker(new URL(import.meta.url), { workerData: chunk });
        worker.on('message', onVerdict);
        worker.on('error', reject);
        worker.on('exit', () => resolve());
      });
    }
  };
  await Promise.all(Array.from({ length: workers }, drive));
  console.log(
    `${seeds} seeds in ${secondsSoFar()} s: ${sums.steps} steps, ${(sums.simulatedMs / 3_600_000).toFixed(1)} simulated hours, ` +
      `${sums.events} events, ${sums.operations} operations (${sums.parked} parked), ${sums.crashes} crashes, ${failed.length} failed`,
  );
  if (failed.length === 0) return;
  console.log(`replay with: npm run test:simulation -- --seed ${failed[0]}`);
  process.exitCode = 1;
}

async function work({ first, seeds, mutant: name }: Chunk): Promise<void> {
  const mutant = sideBySideMutants.find((one) => one.name === name);
  if (name !== null && mutant === undefined) throw new Error(`no defect is named ${name}`);
  for (let seed = first; seed < first + seeds; seed += 1) {
    const { figures, violations } = await simulate(
      seed,
      mutant === undefined ? optionsOf(seed) : { ...optionsOf(seed), many: true, mutant },
    );
    parentPort?.postMessage({ seed, figures, violations: violations.map(({ what }) => what) } satisfies Verdict);
  }
}
