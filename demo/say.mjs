let step = 0;

/** One plain line. */
export const say = (line) => void process.stdout.write(`${line}\n`);

/** What happens next. */
export const heading = (title) => say(`\n${++step}. ${title}`);

/** A command as one could type it. */
export const show = (command) => say(`  $ ${command}`);
