/**
 * The states of a deployment and what leads from one to the next. Everything that changes a status asks this table, so that a
 * transition that is not in it cannot happen; a test walks it for states that cannot be reached or left.
 */
const TRANSITIONS = {
  pending: { start: 'running', abort: 'aborted' },
  running: { succeed: 'succeeded', halt: 'halted', abort: 'aborted' },
  halted: { abort: 'aborted' },
  succeeded: {},
  aborted: {},
} as const satisfies Readonly<Record<string, Readonly<Partial<Record<DeploymentAction, string>>>>>;

export type DeploymentAction = 'start' | 'succeed' | 'halt' | 'abort';
export type DeploymentStatus = keyof typeof TRANSITIONS;

export const INITIAL_STATUS: DeploymentStatus = 'pending';
export const DEPLOYMENT_STATUSES = Object.keys(TRANSITIONS) as readonly DeploymentStatus[];

/** The statuses in which the engine has something to do and the deployment alone decides what its proxies are assigned. */
export const ENGINE_STATUSES: readonly DeploymentStatus[] = ['pending', 'running'];

/** The status that an action leads to, or undefined where it does not fit the state. */
export function nextStatus(status: DeploymentStatus, action: DeploymentAction): DeploymentStatus | undefined {
  const transitions: Readonly<Partial<Record<DeploymentAction, DeploymentStatus>>> = TRANSITIONS[status];
  return transitions[action];
}

/** What can be done in a state. */
export function actionsIn(status: DeploymentStatus): readonly DeploymentAction[] {
  return Object.keys(TRANSITIONS[status]) as DeploymentAction[];
}
