import { join } from 'node:path';
import { auditConsumer } from './audit-consumer.ts';
import { cinderTour } from './cinder-tour.ts';
import { clientsEnvironment, command, startServer, writeClouds } from './environment.ts';
import { openstackTour } from './openstack-tour.ts';
import { createTour } from './tour.ts';

/*
 * `npm run test:clients`: the real cinder, openstack and openstacksdk clients drive a volume's whole life against a
 * server started by `npm start`. Each check prints a line; the last line counts them.
 */
const venv = await clientsEnvironment();
const server = await startServer();
const cloudsFile = writeClouds(server.dataDir, server.url, ['demo', 'other']);
const tour = createTour({ bin: join(venv, 'bin'), url: server.url, cloudsFile });
try {
  await openstackTour(tour);
  await cinderTour(tour);
  await tour.check('openstacksdk drives a volume, a snapshot, a clone and a transfer', async () => {
    const script = join(import.meta.dirname, 'sdk_tour.py');
    const result = await command(join(venv, 'bin', 'python'), [script], { OS_CLIENT_CONFIG_FILE: cloudsFile });
    process.stdout.write(result.stdout);
    if (result.status !== 0) throw new Error(result.stderr);
  });
  await tour.check('the audit consumer in Python prints who did what, and goes on where it was', () =>
    auditConsumer(venv, server),
  );
} finally {
  await server.stop();
}
console.log(`${tour.passed()} passed, ${tour.failed()} failed`);
process.exitCode = tour.failed() === 0 ? 0 : 1;
