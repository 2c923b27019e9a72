import { setTimeout as sleep } from 'node:timers/promises';
import { createAcknowledged } from './acknowledged.ts';
import { ask } from './client.ts';
import type { Broken } from './invariants.ts';
import { createLogView } from './log-view.ts';
import { createRandom } from './random.ts';
import { untilAtRest, whatIsBroken } from './rest.ts';
import type { ServerHome } from './server-process.ts';

export const CREATES_CONFIG = { quota: { volumes: -1, snapshots: -1, gigabytes: -1 } };

const CREATES = 200;
const ROUNDS = 5;
/** Longest time between the first answer and the kill: answers come in bursts, as many as one commit held. */
const KILL_WITHIN_MS = 150;

/** kill -9 during 200 concurrent creates: each acknowledged volume reaches `available`, and nothing else is left. */
export async function concurrentCreates(home: ServerHome, seed: number): Promise<readonly Broken[]> {
  const random = createRandom(seed);
  const log = createLogView();
  const acknowledged = createAcknowledged();
  const { config } = home;
  for (let round = 0; round < ROUNDS; round += 1) {
    const first = await home.start();
    const answered = Promise.withResolvers<void>();
    let told = 0;
    const creates = Array.from({ length: CREATES }, async (_, index) => {
      const body = { volume: { size: random.between(1, 3), name: `create ${index}` } };
      const answer = await ask(first.url, 'POST', '/volumes', { body });
      if (answer === null) return;
      acknowledged.noteAnswer(answer, { what: 'create', volumeId: answer.json.volume.id, repeated: false });
      acknowledged.noteCreation(answer.json.volume.id);
      told += 1;
      answered.resolve();
    });
    await answered.promise;
    await sleep(random.between(0, KILL_WITHIN_MS));
    await first.kill();
    await Promise.all(creates);

    const eventsBefore = log.events;
    const server = await home.start();
    const restMs = await untilAtRest(config, log, { orphans: false });
    const orphansMs = restMs + (await untilAtRest(config, log, { orphans: true }));
    const { kept } = acknowledged;
    const world = { log, config, url: server.url, kept, contents: null, acknowledged: acknowledged.takeAcknowledged() };
    const broken = [...(await whatIsBroken(world, { thorough: true }))];
    for (const id of kept) {
      const status = log.volumes.get(id)?.volume?.status;
      if (status === 'available') continue;
      const what = `volume ${id} is ${status}`;
      broken.push({ invariant: 'acknowledged volumes become available', what, streams: [`volume-${id}`] });
    }
    const live = [...log.volumes.values()].filter(({ volume }) => volume?.deleted === false).length;
    const { volumes: charged = 0 } = log.quotas.get('alpha')?.charged ?? {};
    console.log(
      `killed when ${told} of ${CREATES} were acknowledged: ready after ${server.readyAfterMs.toFixed(0)} ms, all available ` +
        `after ${restMs.toFixed(0)} ms more, orphaned charges back after ${orphansMs.toFixed(0)} ms; ${live} volumes live, ` +
        `${charged} charged, ${kept.size} acknowledged; ${log.events - eventsBefore} events; ${broken.length} violations`,
    );
    if (broken.length > 0) return broken;
    await server.kill();
  }
  return [];
}
