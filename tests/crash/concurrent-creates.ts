import { createAcknowledged } from './acknowledged.ts';
import { ask } from './client.ts';
import type { Broken } from './invariants.ts';
import { createLogView } from './log-view.ts';
import { createRandom } from './random.ts';
import { untilAtRest, whatIsBroken } from './rest.ts';
import type { ServerHome } from './server-process.ts';

export const CREATES_CONFIG = { quota: { volumes: -1, snapshots: -1, gigabytes: -1 } };

const CREATES = 200;
/** The kill comes when so many have been acknowledged. */
const KILL_AT = [1, 40, 100, 160, 200];

/** kill -9 during 200 concurrent creates: each acknowledged volume reaches `available`, and nothing else is left. */
export async function concurrentCreates(home: ServerHome, seed: number): Promise<readonly Broken[]> {
  const random = createRandom(seed);
  const log = createLogView();
  const { config } = home;
  for (const killAt of KILL_AT) {
    const acknowledged = createAcknowledged();
    let server = await home.start();
    let count = 0;
    const reached = Promise.withResolvers<void>();
    const creates = Array.from({ length: CREATES }, async (_, index) => {
      const body = { volume: { size: random.between(1, 3), name: `create ${index}` } };
      const answer = await ask(server.url, 'POST', '/volumes', { body });
      if (answer === null) return;
      acknowledged.noteAnswer(answer, { what: 'create', volumeId: 'new', repeated: false });
      acknowledged.noteCreation(answer.json.volume.id);
      count += 1;
      if (count === killAt) reached.resolve();
    });
    await reached.promise;
    await server.kill();
    await Promise.all(creates);
    const told = count;
    const eventsBefore = log.events;
    server = await home.start();
    const restMs = await untilAtRest(config, log, { orphans: false });
    const lapsedMs = await untilAtRest(config, log, { orphans: true });
    const world = { log, config, url: server.url, kept: acknowledged.kept, contents: null };
    const broken = [
      ...(await whatIsBroken({ ...world, acknowledged: acknowledged.takeAcknowledged() }, { thorough: true })),
    ];
    for (const id of acknowledged.kept) {
      const status = log.volumes.get(id)?.volume?.status;
      if (status !== 'available')
        broken.push({
          invariant: 'acknowledged volumes become available',
          what: `volume ${id} is ${status}`,
          streams: [`volume-${id}`],
        });
    }
    const live = [...log.volumes.values()].filter(({ volume }) => volume?.deleted === false).length;
    const { volumes: charged = 0 } = log.quotas.get('alpha')?.charged ?? {};
    console.log(
      `killed when ${told} of ${CREATES} were acknowledged: ready after ${server.readyAfterMs.toFixed(0)} ms, all available ` +
        `${restMs.toFixed(0)} ms later, orphans gone ${lapsedMs.toFixed(0)} ms later; ${live} volumes live, ` +
        `${charged} charged, ${log.events - eventsBefore} events; ${broken.length} violations`,
    );
    if (broken.length > 0) return broken;
    await server.kill();
  }
  return [];
}
