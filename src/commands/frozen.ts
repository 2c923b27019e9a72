import type { CommandDependencies } from './dependencies.ts';
import { serviceAggregate, serviceStream } from './streams.ts';

/** Binary name of the services that own backends, as the services API shows it. */
export const VOLUME_BINARY = 'cinder-volume';

/** Whether the backend of a pool (`host@backend#pool`) is frozen; what was never placed is on none. */
export async function isFrozen(
  { handler }: Pick<CommandDependencies, 'handler'>,
  pool: string | null,
): Promise<boolean> {
  if (pool === null) return false;
  const [host = pool] = pool.split('#', 1);
  const { state } = await handler.load(serviceAggregate, serviceStream(VOLUME_BINARY, host));
  return state?.frozen ?? false;
}
