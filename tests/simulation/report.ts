import type { SimulationReport } from './simulation.ts';

/** All that happened in a run that kept its history, and what of it must not be; `lines`: only the last so many. */
export function describeRun({ seed, history, violations, figures }: SimulationReport, lines?: number): string {
  const told = lines === undefined ? history.lines : history.lines.slice(-lines);
  return [
    ...told,
    `seed ${seed}: ${violations.length === 0 ? 'nothing wrong' : 'what must not be:'} ${JSON.stringify(figures)}`,
    ...violations.map(({ what, streams }) => `  ${what} (${streams.join(', ')})`),
  ].join('\n');
}
