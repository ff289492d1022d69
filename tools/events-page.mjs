/** docs/reference/events.md from the tables of events. @param permissionOf the permission that an event needs */
export function eventsPage(events, permissionOf) {
  const sections = Object.entries(events).map(([type, { what, subject, payload }]) => {
    const fields = Object.entries(payload).map(([field, says]) => `| \`${field}\` | ${says} |`);
    const table = ['| in `payload` | what it says |', '| --- | --- |', ...fields].join('\n');
    const told = `${what} \`subjectId\` is the id of the ${subject}; needs \`${permissionOf(type)}\`.`;
    return [`## ${type}`, told, fields.length > 0 ? table : 'Its `payload` is empty.'].join('\n\n');
  });
  return `${[HEAD, ...sections].join('\n\n')}\n`;
}

const HEAD = `# Events

What \`GET /api/v1/events\` tells, as server-sent events or over WebSocket: \`{id, type, subjectId, at, payload}\`, once what they tell is committed. Followers
are told of their tenant only, and only of what their credential may read. Made from the tables in the code by \`npm run openapi\`; fields may be added.`;
