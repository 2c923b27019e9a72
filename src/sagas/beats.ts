import type { Heartbeat } from '../ports/coordination.ts';

/**
 * Since when each service has given the same beat, by the clock of whoever looks: the times in the beats are of other
 * machines' clocks, which lie.
 */
export interface BeatWatch {
  observe(heartbeats: readonly Heartbeat[], nowMs: number): void;
  /** For how long no new beat of it has been seen; 0 at the first look, null: there is none. */
  silentForMs(service: string, nowMs: number): number | null;
  /** What it said last. */
  reportOf(service: string): Heartbeat['report'] | undefined;
  services(): readonly string[];
}

export function createBeatWatch(): BeatWatch {
  let seen = new Map<string, { readonly heartbeat: Heartbeat; readonly sinceMs: number }>();
  return {
    observe: (heartbeats, nowMs) => {
      seen = new Map(
        heartbeats.map((heartbeat) => {
          const before = seen.get(heartbeat.service);
          const same = before !== undefined && before.heartbeat.beat === heartbeat.beat;
          return [heartbeat.service, { heartbeat, sinceMs: same ? before.sinceMs : nowMs }];
        }),
      );
    },
    silentForMs: (service, nowMs) => {
      const known = seen.get(service);
      return known === undefined ? null : nowMs - known.sinceMs;
    },
    reportOf: (service) => seen.get(service)?.heartbeat.report,
    services: () => [...seen.keys()],
  };
}
