import { z } from 'zod';

const poolSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'letters, digits, dot, underscore and dash, at most 64')
    .describe('Name of the pool and of its directory below the backend’s.'),
  capacityGiB: z
    .number()
    .positive()
    .optional()
    .describe('Capacity of the pool in GiB; without it, the size of the file system that the pool lies on.'),
  reservedPercentage: z
    .number()
    .int()
    .min(0)
    .max(100)
    .default(0)
    .describe('Share of the capacity, in percent, that placement keeps free.'),
  maxOverSubscriptionRatio: z
    .union([z.number().min(1), z.literal('auto')])
    .default(20)
    .describe('How many times its capacity a thin pool may promise: a ratio of at least 1, or `auto`.'),
  thinProvisioning: z
    .boolean()
    .default(true)
    .describe(
      'Whether a volume counts by what is written to it (true) or by its size (false); files are sparse either way.',
    ),
  multiattach: z.boolean().default(false).describe('Whether volumes of the pool may be attached more than once.'),
  capabilities: z
    .record(z.string(), z.unknown())
    .default({})
    .describe('More capabilities that extra specs of a volume type may ask for.'),
  filterFunction: z
    .string()
    .min(1)
    .optional()
    .describe('Expression of the driver filter: the pool is refused where it is false.'),
  goodnessFunction: z.string().min(1).optional().describe('Expression of the goodness weigher: 0 to 100.'),
});

/** Configuration of one file backend; unknown keys are errors. */
export const fileDriverConfigSchema = z.strictObject({
  directory: z.string().min(1).describe('Directory that holds the pools; made when it is not there.'),
  backendName: z
    .string()
    .min(1)
    .max(255)
    .describe('Name of the backend, which extra specs ask for as `volume_backend_name`.'),
  maxConcurrentCopies: z
    .number()
    .int()
    .min(1)
    .default(4)
    .describe('How many copies of volumes and snapshots run at the same time; the others wait.'),
  pools: z
    .array(poolSchema)
    .min(1)
    .refine((pools) => new Set(pools.map((pool) => pool.name)).size === pools.length, 'two pools have the same name')
    .describe('The pools of the backend; each may lie on a file system of its own.'),
});

/** What is written in a configuration file. */
export type FileDriverConfigInput = z.input<typeof fileDriverConfigSchema>;
/** The same with its defaults. */
export type FileDriverConfig = z.output<typeof fileDriverConfigSchema>;
export type FilePoolConfig = FileDriverConfig['pools'][number];
