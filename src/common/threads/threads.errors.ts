import { defineProblems } from '../errors/problem.js';

export const threadProblems = defineProblems({
  documentTooCostly: {
    status: 422,
    title: 'The document takes too much to read',
    whatToDo:
      'Send less at once, for instance as several configurations; JSON is read in a fraction of the time of YAML.',
  },
  documentsWait: { status: 503, title: 'Too many large documents wait to be read', level: 'warn' },
  readingLost: { status: 500, title: 'Reading the document ended unexpectedly', level: 'error' },
});
