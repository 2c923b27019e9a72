import { DriverError } from '../driver.ts';

/** Code of a failed system call; null for any other error. */
export const errnoOf = (error: unknown): string | null =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;

/** Runs `work`; where it fails with one of `codes`, gives `otherwise`. */
export async function unless<T, U>(codes: readonly string[], work: Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await work;
  } catch (error) {
    const code = errnoOf(error);
    if (code !== null && codes.includes(code)) return otherwise;
    throw error;
  }
}

/** Says a failed system call in the driver's words: all may succeed later or on another pool. Other errors stay as they are. */
export function asDriverError(error: unknown, doing: string): unknown {
  const code = errnoOf(error);
  if (error instanceof DriverError || code === null) return error;
  const why =
    code === 'ENOSPC' || code === 'EDQUOT'
      ? 'no space left on the backend'
      : error instanceof Error
        ? error.message
        : code;
  return new DriverError(`cannot ${doing}: ${why}`, { retryable: true, cause: error });
}
