import type { Registry } from '@bufbuild/protobuf';
import type { Finding } from '../../common/errors/finding.js';
import { CONTROL_PLANE_CLUSTER, type ResourceKind } from '../resource-types.js';
import { addressClashes, listenerFindings } from './listener-checks.js';
import { fieldOf } from './message-fields.js';
import { type MessagePath, stepTo } from './message-path.js';
import { type ResourceMessage, findingAt } from './resource-message.js';
import { checkRoutes } from './route-checks.js';
import { SecretFinder } from './secret-checks.js';
import { walk } from './walk.js';
import { reflect } from '@bufbuild/protobuf/reflect';

const CALLED: Readonly<Record<ResourceKind, string>> = {
  cluster: 'cluster',
  endpoint: 'endpoint set',
  listener: 'listener',
  route: 'route configuration',
  secret: 'secret',
  runtime: 'runtime',
  extensionConfig: 'extension config',
};

/** What only shows when the resources of a snapshot are seen together, or that no rule of the Envoy API says. */
export class SnapshotChecks {
  private readonly secrets: SecretFinder;

  constructor(registry: Registry) {
    this.secrets = new SecretFinder(registry);
  }

  /** Checks of one resource by itself. */
  resource(resource: ResourceMessage): readonly Finding[] {
    const findings: Finding[] = resource.type.kind === 'listener' ? [...listenerFindings(resource)] : [];
    const report = (path: MessagePath | null, rule: string, detail: string, severity?: 'warning'): void => {
      findings.push(findingAt(resource, path, rule, detail, severity));
    };
    walk(resource.desc, resource.message, resource.contents, {
      message: (message, path) => checkRoutes(message, path, report),
      field: (field, message, path) => {
        if (field.proto.options?.deprecated === true) {
          report(path, 'deprecated.field', `"${field.name}" is deprecated; a later Envoy will refuse it`, 'warning');
        }
        if (this.secrets.holdsSecret(field, message, path)) {
          const detail =
            'a secret stands here in clear; put it in a secret and refer to it by name, or read it from a file';
          report(path, 'secret.inline', detail);
        }
      },
    });
    return findings;
  }

  /** Checks of all resources together: names, references and addresses. */
  together(resources: readonly ResourceMessage[]): readonly Finding[] {
    return [
      ...nameFindings(resources),
      ...referenceFindings(resources),
      ...addressClashes(resources.filter((resource) => resource.type.kind === 'listener')),
    ];
  }
}

function nameFindings(resources: readonly ResourceMessage[]): Finding[] {
  const findings: Finding[] = [];
  const seen = new Set<string>();
  for (const resource of resources) {
    const { type, name } = resource;
    const field = fieldOf(reflect(resource.desc, resource.message), type.nameField);
    const refuse = (rule: string, detail: string): void => {
      findings.push(findingAt(resource, stepTo(null, field), rule, detail));
    };
    if (name === '') refuse('name.missing', `give the ${CALLED[type.kind]} a ${type.nameField}`);
    else if (seen.has(`${type.kind}/${name}`))
      refuse('duplicate.name', `there is another ${CALLED[type.kind]} "${name}"; rename one`);
    else if (name === CONTROL_PLANE_CLUSTER && type.kind === 'cluster') {
      refuse('name.reserved', `"${name}" is the cluster by which proxies reach EFMS itself; choose another name`);
    }
    seen.add(`${type.kind}/${name}`);
  }
  return findings;
}

function referenceFindings(resources: readonly ResourceMessage[]): Finding[] {
  const present = new Set(resources.map(({ type, name }) => `${type.kind}/${name}`)).add(
    `cluster/${CONTROL_PLANE_CLUSTER}`,
  );
  return resources.flatMap((resource) =>
    resource.references
      .filter(({ kind, name }) => !present.has(`${kind}/${name}`))
      .map(({ kind, name, path }) =>
        findingAt(
          resource,
          path,
          `reference.${kind}`,
          `there is no ${CALLED[kind]} "${name}" in this snapshot; add it or correct the name`,
        ),
      ),
  );
}
