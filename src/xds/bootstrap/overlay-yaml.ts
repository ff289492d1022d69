import type { Finding } from '../../common/errors/finding.js';
import { bootstrapYaml } from '../../infrastructure/index.js';
import type { JsonObject } from '../envoy-api/index.js';

/** The bootstrap as YAML, with what is worth saying about it as comments before it. */
export function overlayYaml(bootstrap: JsonObject, warnings: readonly Finding[]): string {
  const comments = warnings.map(({ pointer, rule, detail }) => `# ${onOneLine(`${pointer} ${rule}: ${detail}`)}\n`);
  return comments.join('') + bootstrapYaml(bootstrap);
}

/** Names of somebody's choice stand in it, and none may end the comment. */
const onOneLine = (text: string): string => text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ');
