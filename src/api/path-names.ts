import { badRequest } from './faults.ts';

const MAX_NAME = 255;
const CONTROL = /\p{Cc}/u;

/**
 * Names of projects and of quota classes come in the path as any text, and something is kept under them: throws the 400 of
 * one that is too long or has characters that no name has. `what` is what the fault calls it.
 */
export function refuseUnfitName(what: string, name: string): void {
  if (name.length > MAX_NAME) {
    throw badRequest(`Invalid input received: ${what} has ${name.length} characters, more than ${MAX_NAME}.`);
  }
  if (CONTROL.test(name)) throw badRequest(`Invalid input received: ${what} has characters that are not printable.`);
}
