import type { HeldAssignment, ProxyProgress } from '../../xds/index.js';

/** An assigned target as the engine sees it. Times are the database's. */
export interface AssignedTarget {
  readonly snapshotHash: string;
  readonly previousSnapshotHash: string | null;
  readonly assignedAt: Date;
  readonly connectedMs: number;
  readonly connectedFrom: Date | null;
}

/** What a look at all targets goes by. */
export interface JudgeRules {
  readonly now: Date;
  /** The look before this one; null at the first. */
  readonly judgedAt: Date | null;
  readonly timeoutMs: number;
  readonly disconnected: 'wait' | 'skip';
}

/** Why a target failed or was skipped, as far as looking at it can tell. */
export const TARGET_REASONS = ['nack', 'crash_loop', 'timeout', 'disconnected', 'deleted'] as const;
export type TargetReason = (typeof TARGET_REASONS)[number];

/** Where a target stands after a look; `assigned` means that it goes on, perhaps with its clock started or stopped. */
export interface Verdict {
  readonly status: 'assigned' | 'succeeded' | 'failed' | 'skipped';
  readonly reason: TargetReason | null;
  readonly message: string | null;
  readonly connectedMs: number;
  readonly connectedFrom: Date | null;
}

/**
 * Judges one target by what its proxy has acknowledged (SPEC.md §4.6). A proxy that serves the wanted content succeeds whatever else is
 * true of it; one from which that content is held back since it was assigned fails, with Envoy's words where it refused it; otherwise it
 * fails when it was connected for the whole timeout and did not converge. The clock stands while the proxy is away.
 * @param progress undefined once the proxy is deleted
 */
export function judge(target: AssignedTarget, progress: ProxyProgress | undefined, rules: JudgeRules): Verdict {
  if (!progress) {
    return verdict('skipped', 'deleted', 'the proxy was deleted before it converged', target);
  }
  const clock = advance(target, progress, rules);
  if (progress.convergedHash === target.snapshotHash) return verdict('succeeded', null, null, clock);
  const { held } = progress;
  if (held?.hash === target.snapshotHash) return verdict('failed', held.reason, heldMessage(held), clock);
  if (!progress.connected && rules.disconnected === 'skip') {
    return verdict('skipped', 'disconnected', 'not connected; it gets the version when it comes back', clock);
  }
  const usedMs = clock.connectedMs + (clock.connectedFrom ? rules.now.getTime() - clock.connectedFrom.getTime() : 0);
  if (usedMs >= rules.timeoutMs) {
    const seconds = rules.timeoutMs / 1000;
    const what = progress.frozen
      ? `connected for ${seconds} s and sent nothing: it claims resources that EFMS never gave it; take it over to have them replaced`
      : `connected for ${seconds} s without acknowledging every resource`;
    return verdict('failed', 'timeout', what, clock);
  }
  return verdict('assigned', null, null, clock);
}

/** The proxy serves the last good snapshot in its place. */
function heldMessage({ reason, kind, code, message }: HeldAssignment): string {
  if (reason === 'crash_loop') return 'two processes in a row went down soon after they were sent it';
  return `Envoy refused ${kind ?? 'it'} (code ${code ?? 0}): ${message ?? ''}`;
}

type ConnectedClock = Pick<AssignedTarget, 'connectedMs' | 'connectedFrom'>;

/**
 * Moves the clock of connected time. Nobody knows when between two looks a connection ended, so the stretch before a break counts up to
 * the earlier look only: a proxy is never failed for time it may have been away. A connection that lasts counts in full, also
 * through a time in which no engine looked.
 */
function advance(target: AssignedTarget, progress: ProxyProgress, { now, judgedAt }: JudgeRules): ConnectedClock {
  const { connectedMs, connectedFrom, assignedAt } = target;
  const since = progress.connected ? latest(assignedAt, progress.connectedSince ?? now) : null;
  if (connectedFrom === null) return { connectedMs, connectedFrom: since };
  if (since !== null && since.getTime() <= connectedFrom.getTime()) return { connectedMs, connectedFrom };
  const closedMs = Math.max(0, (judgedAt ?? connectedFrom).getTime() - connectedFrom.getTime());
  return { connectedMs: connectedMs + closedMs, connectedFrom: since };
}

const latest = (a: Date, b: Date): Date => (a.getTime() >= b.getTime() ? a : b);

function verdict(
  status: Verdict['status'],
  reason: TargetReason | null,
  message: string | null,
  { connectedMs, connectedFrom }: ConnectedClock,
): Verdict {
  return { status, reason, message, connectedMs, connectedFrom };
}
