import type { ErrorDetail } from './wire/discovery-request.js';

const MAX_SUSPECTS = 10;
/** Names beyond these, and text beyond this, are not looked at: the list is a help for people, and the message is the peer's. */
const MAX_NAMES = 20_000;
const MAX_TEXT = 4_096;

/**
 * The names that stand as words in the message of a refusal. A response has one status for all that it carries, so these are suspects
 * and no more (R16): what the client has of the others is as unknown.
 */
export function suspectsIn({ message }: ErrorDetail, names: Iterable<string>): readonly string[] {
  const text = message.slice(0, MAX_TEXT);
  const suspects: string[] = [];
  let seen = 0;
  for (const name of names) {
    if (suspects.length === MAX_SUSPECTS || ++seen > MAX_NAMES) break;
    if (hasWord(text, name)) suspects.push(name);
  }
  return suspects;
}

function hasWord(text: string, word: string): boolean {
  if (word === '') return false;
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    if (!isWordCharacter(text[at - 1]) && !isWordCharacter(text[at + word.length])) return true;
  }
  return false;
}

const isWordCharacter = (character: string | undefined): boolean => character !== undefined && /[\w-]/.test(character);
