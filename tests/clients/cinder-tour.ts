import { expectEqual, type Tour } from './tour.ts';

/** The value of one property in the table of a `show` command. */
const property = (table: string, name: string): string | undefined =>
  table
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .find((cells) => cells[1] === name)?.[2];

/** A volume's whole life through the `cinder` client, which negotiates the newest microversion by itself. */
export async function cinderTour(tour: Tour): Promise<void> {
  const { cinder, check, refused, until } = tour;
  const becomes = (name: string, wanted: string, show = 'show'): Promise<void> =>
    until(`${name} is ${wanted}`, async () => property(await cinder([show, name]), 'status') === wanted);
  const gone = (name: string): Promise<void> =>
    until(`${name} is gone`, async () => !(await cinder(['list'])).includes(` ${name} `));

  await check('cinder: a volume is created, shown and listed', async () => {
    await cinder(['create', '--name', 'eins', '--metadata', 'a=b', '--', '1']);
    await becomes('eins', 'available');
    expectEqual('listed', (await cinder(['list'])).includes('eins'), true);
  });
  await check('cinder: it is renamed, its metadata set and unset', async () => {
    await cinder(['rename', 'eins', 'zwei', '--description', 'second']);
    await cinder(['metadata', 'zwei', 'set', 'c=d']);
    await cinder(['metadata', 'zwei', 'unset', 'a']);
    expectEqual('metadata', property(await cinder(['show', 'zwei']), 'metadata'), 'c : d');
  });
  await check('cinder: it is extended, snapshotted, cloned and reverted', async () => {
    await cinder(['extend', 'zwei', '2']);
    await becomes('zwei', 'available');
    await cinder(['snapshot-create', '--name', 'zwei-snap', 'zwei']);
    await becomes('zwei-snap', 'available', 'snapshot-show');
    await cinder([
      'create',
      '--source-volid',
      property(await cinder(['show', 'zwei']), 'id') ?? '',
      '--name',
      'klon',
      '2',
    ]);
    await becomes('klon', 'available');
    await cinder(['revert-to-snapshot', 'zwei-snap']);
    await becomes('zwei', 'available');
  });
  await check('cinder: an administrator resets statuses, and flags are set', async () => {
    await cinder(['reset-state', '--state', 'error', 'klon']);
    await becomes('klon', 'error');
    await cinder(['reset-state', '--state', 'available', 'klon']);
    await cinder(['set-bootable', 'klon', 'true']);
    await cinder(['readonly-mode-update', 'klon', 'true']);
    await cinder(['image-metadata', 'klon', 'set', 'os=linux']);
    const shown = await cinder(['show', 'klon']);
    expectEqual('bootable', property(shown, 'bootable'), 'true');
  });
  await check('cinder: quota is set, shown, exceeded and reset', async () => {
    await cinder(['quota-update', '--volumes', '3', 'demo']);
    expectEqual('limit', property(await cinder(['quota-show', 'demo']), 'volumes'), '3');
    await cinder(['create', '--name', 'drei', '1']);
    await becomes('drei', 'available');
    await refused(() => cinder(['create', '--name', 'vier', '1']), 'VolumeLimitExceeded');
    await cinder(['quota-usage', 'demo']);
    await cinder(['delete', 'drei']);
    await gone('drei');
    await cinder(['create', '--name', 'vier', '1']);
    await becomes('vier', 'available');
    await cinder(['quota-delete', 'demo']);
    await cinder(['absolute-limits', 'demo']);
  });
  await check('cinder: a transfer is made, shown and withdrawn', async () => {
    const id = property(await cinder(['transfer-create', '--name', 'gift', 'vier']), 'id') ?? '';
    expectEqual('transfer name', property(await cinder(['transfer-show', id]), 'name'), 'gift');
    expectEqual('listed', (await cinder(['transfer-list'])).includes(id), true);
    await cinder(['transfer-delete', id]);
    await becomes('vier', 'available');
  });
  await check('cinder: pools, services, zones, types, extensions and messages are listed', async () => {
    for (const args of [
      ['get-pools', '--detail'],
      ['service-list'],
      ['availability-zone-list'],
      ['type-list'],
      ['type-default'],
      ['list-extensions'],
      ['message-list'],
      ['snapshot-list'],
      ['summary'],
    ]) {
      await cinder(args);
    }
  });
  await check('cinder: a service is disabled, frozen, thawed and enabled', async () => {
    const host = /(\S+@\S+)/.exec(await cinder(['service-list', '--binary', 'cinder-volume']))?.[1] ?? '';
    await cinder(['service-disable', '--reason', 'test', host, 'cinder-volume']);
    await cinder(['service-enable', host, 'cinder-volume']);
    await cinder(['freeze-host', host]);
    await refused(() => cinder(['snapshot-create', 'vier']), 'ERROR');
    await cinder(['thaw-host', host]);
  });
  await check('cinder: everything is deleted', async () => {
    await cinder(['delete', '--cascade', 'zwei']);
    await cinder(['force-delete', 'klon']);
    await cinder(['delete', 'vier']);
    await Promise.all([gone('zwei'), gone('klon'), gone('vier')]);
  });
}
