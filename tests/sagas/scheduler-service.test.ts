import { describe, expect, it } from 'vitest';
import { createCommandHandler } from '../../src/commands/handle.ts';
import { serviceStream } from '../../src/commands/streams.ts';
import { createSchedulerService } from '../../src/sagas/scheduler-service.ts';
import { createMemoryEventStore } from '../commands/memory-event-store.ts';
import { createTestClock } from './test-clock.ts';

function createScheduler() {
  const clock = createTestClock();
  const store = createMemoryEventStore(() => clock.now());
  const beats: { service: string; atMs: number; report: unknown }[] = [];
  const warnings: string[] = [];
  const says = { beat: async (): Promise<void> => {} };
  const create = (availabilityZone: string) =>
    createSchedulerService({
      host: 'node',
      availabilityZone,
      beatEveryMs: 10_000,
      handler: createCommandHandler({ eventStore: store, clock }),
      coordination: {
        beat: async (service, _at, report) => {
          await says.beat();
          beats.push({ service, atMs: clock.monotonicMs(), report });
        },
      },
      clock,
      logger: { info: () => undefined, warn: (_, message) => void warnings.push(message), error: () => undefined },
    });
  const registered = () => store.eventsOf(serviceStream('cinder-scheduler', 'node')).map(({ data }) => data);
  return { clock, beats, warnings, says, create, registered };
}

describe('the scheduler’s service', () => {
  it('registers once and then gives its signs of life until it stops', async () => {
    const { clock, beats, create, registered } = createScheduler();
    const scheduler = create('nova');
    await scheduler.start();
    await clock.pass(25_000);
    await scheduler.stop();
    await clock.pass(25_000);
    expect(registered()).toMatchObject([{ binary: 'cinder-scheduler', host: 'node', availabilityZone: 'nova' }]);
    expect(beats.map(({ atMs }) => atMs)).toEqual([0, 10_000, 20_000]);
    expect(beats[0]).toMatchObject({ service: 'cinder-scheduler@node', report: { kind: 'scheduler', host: 'node' } });
  });

  it('of another process of the same host is the same service; a changed zone is recorded', async () => {
    const { clock, create, registered } = createScheduler();
    await create('nova').start();
    await create('nova').start();
    expect(registered()).toHaveLength(1);
    await clock.pass(1);
    await create('south').start();
    expect(registered()).toMatchObject([{ availabilityZone: 'nova' }, { availabilityZone: 'south' }]);
  });

  it('goes on where a sign of life cannot be given', async () => {
    const { clock, beats, warnings, says, create } = createScheduler();
    says.beat = async () => {
      throw new Error('away');
    };
    await create('nova').start();
    expect(warnings).toEqual(['the scheduler cannot give a sign of life now']);
    says.beat = async () => {};
    await clock.pass(11_000);
    expect(beats).toHaveLength(1);
  });
});
