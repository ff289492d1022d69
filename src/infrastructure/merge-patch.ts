export { mergePatch } from '../common/http/merge-patch.js';
