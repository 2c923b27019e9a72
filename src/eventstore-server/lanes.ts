/** One write: it either may fly (be under way beside others of its lane) or runs alone. */
export interface Job {
  /** Asked when it is at the front: null when it has to run alone. */
  fly(): (() => Promise<void>) | null;
  /** Runs alone; `waiting` are the jobs behind it, of which it may take some along. */
  alone(waiting: Job[]): Promise<void>;
}

/**
 * Order of writes: those of one stream, its metastream and its deletion begin in the order in which they came. Those that
 * fly are handed to the store without waiting for each other, so that they share a commit.
 */
export interface Lanes {
  /** The job settles its own promise; it must not throw. */
  add(subject: string, job: Job): void;
}

interface Lane {
  readonly waiting: Job[];
  inFlight: number;
  alone: boolean;
}

export function createLanes(): Lanes {
  const lanes = new Map<string, Lane>();

  const goOn = (subject: string, lane: Lane): void => {
    while (!lane.alone) {
      const job = lane.waiting[0];
      if (job === undefined) {
        if (lane.inFlight === 0) lanes.delete(subject);
        return;
      }
      const flight = job.fly();
      if (flight === null && lane.inFlight > 0) return;
      lane.waiting.shift();
      if (flight === null) {
        lane.alone = true;
        void job.alone(lane.waiting).finally(() => {
          lane.alone = false;
          goOn(subject, lane);
        });
      } else {
        lane.inFlight += 1;
        void flight().finally(() => {
          lane.inFlight -= 1;
          goOn(subject, lane);
        });
      }
    }
  };

  return {
    add: (subject, job) => {
      let lane = lanes.get(subject);
      if (lane === undefined) {
        lane = { waiting: [], inFlight: 0, alone: false };
        lanes.set(subject, lane);
      }
      lane.waiting.push(job);
      goOn(subject, lane);
    },
  };
}
