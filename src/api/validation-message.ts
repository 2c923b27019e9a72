import type { core, ZodError } from 'zod';

/**
 * Sentences for what validation refused, in the forms of contract/errors.md §3: a nested value is named by its last
 * path element and shown; a mistake at the top says the reason alone.
 */

type Issue = core.$ZodIssue;
type Path = readonly PropertyKey[];

const MAX_SHOWN = 200;

/** The sentence for the first thing that is wrong with `input`. */
export function validationMessage(error: ZodError, input: unknown): string {
  const issue = firstSpecific(error.issues);
  if (issue === undefined) return 'Invalid input received.';
  const value = valueAt(input, issue.path);
  if (issue.code === 'custom' && issue.params?.whole === true) return issue.message;
  if (isMissing(issue, value)) {
    const name = String(issue.path.at(-1));
    return sentence(issue.path.slice(0, -1), input, `'${name}' is a required property`);
  }
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map((key) => `'${key}'`).join(', ');
    const were = issue.keys.length === 1 ? 'was' : 'were';
    return sentence(issue.path, input, `Additional properties are not allowed (${names} ${were} unexpected)`);
  }
  if (issue.code === 'invalid_key') {
    const key = String(issue.path.at(-1));
    return sentence(issue.path.slice(0, -1), input, `Additional properties are not allowed ('${key}' was unexpected)`);
  }
  return sentence(issue.path, input, reasonOf(issue, value));
}

/** A union's own issue says little: the branch that got furthest says what is wrong. */
function firstSpecific(issues: readonly Issue[]): Issue | undefined {
  const [issue] = issues;
  if (issue?.code !== 'invalid_union') return issue;
  const branches = issue.errors.flat().map((inner): Issue => ({ ...inner, path: [...issue.path, ...inner.path] }));
  const deepest = branches.reduce<Issue | undefined>(
    (best, inner) => (best === undefined || inner.path.length > best.path.length ? inner : best),
    undefined,
  );
  return deepest === undefined || deepest.path.length === issue.path.length ? issue : firstSpecific([deepest]);
}

const isMissing = (issue: Issue, value: unknown): boolean =>
  issue.path.length > 0 &&
  value === undefined &&
  (issue.code === 'invalid_type' || issue.code === 'invalid_union' || issue.code === 'invalid_value');

function sentence(path: Path, input: unknown, reason: string): string {
  const name = path.at(-1);
  if (name === undefined) return reason;
  return `Invalid input for field/attribute ${String(name)}. Value: ${unquoted(valueAt(input, path))}. ${reason}`;
}

function reasonOf(issue: Issue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return `${shown(value)} is not of type '${issue.expected === 'record' ? 'object' : issue.expected}'`;
    case 'invalid_value':
      return `${shown(value)} is not one of [${issue.values.map((one) => shown(one)).join(', ')}]`;
    case 'too_small':
      if (issue.origin === 'string') return `${shown(value)} is too short`;
      if (issue.origin === 'object' || issue.origin === 'record')
        return `${shown(value)} does not have enough properties`;
      return `${shown(value)} is less than the minimum of ${issue.minimum}`;
    case 'too_big':
      if (issue.origin === 'string') return `${shown(value)} is too long`;
      if (issue.origin === 'object' || issue.origin === 'record') return `${shown(value)} has too many properties`;
      return `${shown(value)} is greater than the maximum of ${issue.maximum}`;
    case 'custom':
      return issue.message;
    case 'invalid_union':
      return `${shown(value)} is not valid under any of the given schemas`;
    default:
      return `${shown(value)} is not valid: ${issue.message}`;
  }
}

function valueAt(input: unknown, path: Path): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

/** The value as the client sent it, cut where it is long. */
function unquoted(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value ?? null) ?? 'null');
  const readable = text === 'null' ? 'None' : text;
  return readable.length > MAX_SHOWN ? `${readable.slice(0, MAX_SHOWN)}...` : readable;
}

/** A value as sentences show it: texts in quotes, cut where it is long. */
export const shown = (value: unknown): string => (typeof value === 'string' ? `'${unquoted(value)}'` : unquoted(value));
