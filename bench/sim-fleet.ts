import { parseArgs } from 'node:util';
import { makePlace } from './kit/place.ts';
import { surroundings } from './kit/report.ts';
import { tell } from './sim/report.ts';
import { Simulation } from './sim/simulation.ts';

const HELP = `npm run sim:fleet -- [options]

  --proxies N     hollow proxies (3000), half of them incremental and half state of the world
  --replicas N    of EFMS (3)
  --minutes N     of changes and faults (60); --seconds N for less
  --seed N        of all that is random (1)
  --json          print the outcome as JSON
`;

const { values } = parseArgs({
  options: {
    proxies: { type: 'string', default: '3000' },
    replicas: { type: 'string', default: '3' },
    minutes: { type: 'string', default: '60' },
    seconds: { type: 'string' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const [proxies, replicas, seed] = [Number(values.proxies), Number(values.replicas), Number(values.seed)];
const seconds = values.seconds === undefined ? Number(values.minutes) * 60 : Number(values.seconds);
if (values.help || !(proxies >= 4) || !(replicas >= 2) || !(seconds > 0) || !Number.isInteger(seed)) {
  process.stderr.write(HELP);
  process.exit(values.help ? 0 : 2);
}

const where = surroundings();
const place = await makePlace();
const options = { proxies, replicas, seconds, seed };
const say = (words: string): void => {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${words}\n`);
};
try {
  const outcome = await new Simulation({ ...options, say }).run(place);
  tell({ ...where, ...options }, outcome, values.json ? 'as JSON' : 'in words');
  process.exitCode = outcome.violations.length + outcome.problems.length === 0 ? 0 : 1;
} finally {
  await place.remove();
}
