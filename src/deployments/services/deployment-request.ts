import { type Finding, pointerTo } from '../../common/errors/finding.js';
import { ProblemError } from '../../common/errors/problem.js';
import { type Address, parseAddress } from '../../common/http/address.js';
import { deploymentProblems } from '../deployments.errors.js';
import { formatSeconds, parseDuration } from '../../common/clock/duration.js';

/** What somebody asks for, as it was sent. */
export interface DeploymentRequest {
  readonly configuration: string;
  readonly version: number;
  readonly targets: { readonly proxies?: readonly string[]; readonly groups?: readonly string[] };
  readonly strategy: { readonly type: string };
  readonly timeout?: string;
  readonly disconnected?: 'wait' | 'skip';
  readonly notes?: string;
}

/** A request whose every part could be read. */
export interface DeploymentCommand {
  readonly configuration: Address;
  readonly version: number;
  readonly proxies: readonly Address[];
  readonly groups: readonly Address[];
  readonly strategy: 'immediate';
  readonly timeoutSeconds: number;
  readonly disconnected: 'wait' | 'skip';
  readonly notes: string;
}

export const DEFAULT_TIMEOUT = '5m';
const TIMEOUT_SECONDS = { min: 1, max: 7 * 24 * 3600 };

/** @throws ProblemError 422 with everything that cannot be read, each with its place */
export function readRequest(request: DeploymentRequest): DeploymentCommand {
  const findings: Finding[] = [];
  const address = (pointer: string, text: string): Address | undefined => {
    const read = readAddress(text);
    if (!read)
      findings.push(error(pointer, 'deployment.address', `"${text.slice(0, 80)}" is neither a UUID nor name:<name>`));
    return read;
  };
  const configuration = address('/configuration', request.configuration);
  const { proxies = [], groups = [] } = request.targets;
  const proxyAddresses = proxies.map((text, i) => address(pointerTo('/targets/proxies', i), text));
  const groupAddresses = groups.map((text, i) => address(pointerTo('/targets/groups', i), text));
  if (proxies.length + groups.length === 0) {
    findings.push(error('/targets', 'deployment.no-targets', 'name at least one proxy or group'));
  }
  if (request.strategy.type !== 'immediate') {
    findings.push(
      error('/strategy/type', 'deployment.strategy', 'this EFMS knows the strategy "immediate" only; use that one'),
    );
  }
  const timeoutSeconds = readTimeout(request.timeout ?? DEFAULT_TIMEOUT, findings);
  refuse(findings);
  return {
    // After refuse() nothing is undefined any more.
    configuration: configuration ?? { name: '' },
    version: request.version,
    proxies: proxyAddresses.filter((proxy) => proxy !== undefined),
    groups: groupAddresses.filter((group) => group !== undefined),
    strategy: 'immediate',
    timeoutSeconds,
    disconnected: request.disconnected ?? 'wait',
    notes: request.notes ?? '',
  };
}

/** @throws ProblemError 422 when there is anything to refuse for */
export function refuse(findings: readonly Finding[]): void {
  if (findings.length > 0) throw deploymentProblems.invalidDeployment({ detail: 'See errors.', errors: findings });
}

export const error = (pointer: string, rule: string, detail: string): Finding => ({
  pointer,
  rule,
  detail,
  severity: 'error',
});

function readTimeout(text: string, findings: Finding[]): number {
  const ms = parseDuration(text);
  const { min, max } = TIMEOUT_SECONDS;
  if (ms !== undefined && ms % 1000 === 0 && ms >= min * 1000 && ms <= max * 1000) return ms / 1000;
  const bounds = `from ${formatSeconds(min)} to ${formatSeconds(max)}`;
  findings.push(error('/timeout', 'deployment.timeout', `give whole seconds ${bounds}, for instance "5m" or "1h30m"`));
  return min;
}

function readAddress(text: string): Address | undefined {
  try {
    return parseAddress(text);
  } catch (problem) {
    if (problem instanceof ProblemError) return undefined;
    throw problem;
  }
}
