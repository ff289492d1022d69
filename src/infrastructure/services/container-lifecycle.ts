export const CONTAINER_STATUSES = [
  'unknown',
  'created',
  'running',
  'paused',
  'restarting',
  'exited',
  'removed',
] as const;
export type ContainerStatus = (typeof CONTAINER_STATUSES)[number];

export const CONTAINER_HEALTHS = ['unknown', 'starting', 'healthy', 'unhealthy'] as const;
export type ContainerHealth = (typeof CONTAINER_HEALTHS)[number];

/** What happens to a container, as container engines tell it. */
export const CONTAINER_EVENT_KINDS = [
  'created',
  'started',
  'paused',
  'unpaused',
  'restarting',
  'restarted',
  'stopped',
  'died',
  'oom_killed',
  'removed',
  'healthy',
  'unhealthy',
] as const;
export type ContainerEventKind = (typeof CONTAINER_EVENT_KINDS)[number];

/** What an event changes in what is known of the container. */
export interface Transition {
  readonly status?: ContainerStatus;
  readonly health?: ContainerHealth;
  /** A new process runs from then on. */
  readonly starts?: true;
  readonly countsAsRestart?: true;
}

/** Engines tell what happened, so every event is believed, whatever was known before. */
export const TRANSITIONS: Readonly<Record<ContainerEventKind, Transition>> = {
  created: { status: 'created', health: 'unknown' },
  started: { status: 'running', health: 'starting', starts: true },
  paused: { status: 'paused' },
  unpaused: { status: 'running' },
  restarting: { status: 'restarting' },
  restarted: { status: 'running', health: 'starting', starts: true, countsAsRestart: true },
  stopped: { status: 'exited', health: 'unknown' },
  died: { status: 'exited', health: 'unknown' },
  oom_killed: { status: 'exited', health: 'unknown' },
  removed: { status: 'removed', health: 'unknown' },
  healthy: { health: 'healthy' },
  unhealthy: { health: 'unhealthy' },
};
