/** Milliseconds since the Unix epoch, UTC. */
export type Instant = number;

/** Whole gibibytes (2^30 bytes), the unit of every size in the API. */
export type GiB = number;

export const BYTES_PER_GIB = 1024 ** 3;

/** The largest size, quota or limit the API accepts (contract/errors.md §6). */
export const MAX_INT = 2_147_483_647;
