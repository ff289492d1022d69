import type { ErrorDetail } from './wire/discovery-request.js';

const MAX_SUSPECTS = 10;
/** What is beyond these is not looked at: the list is a help for people, and the message is the peer's. */
const MAX_NAMES = 20_000;
const MAX_TEXT = 4_096;
/** Names that are looked for in the whole text, once it is known to have the word that they begin with. */
const MAX_SEARCHED = 500;

/**
 * The names that stand as words in the message of a refusal. A response has one status for all that it carries, so these are suspects
 * and no more (R16): what the client has of the others is as unknown.
 */
export function suspectsIn({ message }: ErrorDetail, names: Iterable<string>): readonly string[] {
  const text = message.slice(0, MAX_TEXT);
  const words = new Set(text.split(NO_WORD));
  const suspects: string[] = [];
  let [seen, searched] = [0, 0];
  for (const name of names) {
    if (suspects.length === MAX_SUSPECTS || ++seen > MAX_NAMES) break;
    if (name === '' || !words.has(firstWord(name))) continue;
    if (++searched > MAX_SEARCHED) break;
    if (hasWord(text, name)) suspects.push(name);
  }
  return suspects;
}

/** Steps over what it finds, so that a text which repeats a part of the word costs no more than any other. */
function hasWord(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
    if (!isWordCharacter(text[at - 1]) && !isWordCharacter(text[at + word.length])) return true;
  }
  return false;
}

const NO_WORD = /[^\w-]/;
const firstWord = (name: string): string => {
  const end = name.search(NO_WORD);
  return end < 0 ? name : name.slice(0, end);
};
const isWordCharacter = (character: string | undefined): boolean => character !== undefined && /[\w-]/.test(character);
