import { execFile } from 'node:child_process'
import { expect } from 'vitest'
import { codeBlocks, readMarkdown } from '../../docs/markdown.js'

/** A command of a page, and what it prints there. */
export interface ShownCommand {
  readonly command: string
  readonly output: string
}

/** The commands of the `console` blocks of a page, each to be taken once, in the order of the page. */
export class ShownCommands {
  readonly #page: string
  readonly all: readonly ShownCommand[]
  #at = 0

  /** @param page below the root of the package */
  constructor(page: string) {
    this.#page = page
    this.all = codeBlocks(readMarkdown(page))
      .filter(({ language }) => language === 'console')
      .flatMap(({ text }) => commandsIn(text))
  }

  /** The next one. Throws unless it begins as the test says. */
  next(beginning: string): ShownCommand {
    const one = this.all[this.#at++]
    if (one?.command.startsWith(beginning) !== true)
      throw new Error(`${this.#page}: "${one?.command}" does not begin with "${beginning}"`)
    return one
  }

  /** How many were not taken yet. */
  get left(): number {
    return this.all.length - this.#at
  }
}

function commandsIn(text: string): readonly ShownCommand[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map(part => {
      const end = part.indexOf('\n')
      return { command: part.slice(0, end), output: part.slice(end + 1).trimEnd() }
    })
}

export interface CommandRun {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** What the page calls it, and what it is here. */
  readonly places: ReadonlyMap<string, string>
  /** Exit code that is right. Default 0. */
  readonly code?: number
}

/** Runs a command in bash to its end; what it prints, both streams, must be what the page shows. Without jq, those of jq are passed over. */
export async function runShown({ command, output }: ShownCommand, run: CommandRun): Promise<void> {
  const { cwd, env, places, code = 0 } = run
  if (command.startsWith('jq ') && !(await has('jq'))) return
  const came = await new Promise<{ readonly code: unknown; readonly text: string }>(resolve => {
    execFile('bash', ['-c', here(command, places)], { cwd, env: { ...process.env, ...env } }, (error, out, err) => {
      resolve({ code: error === null ? 0 : error.code, text: out + err })
    })
  })
  expect(there(withoutProgress(came.text), places).trimEnd(), command).toBe(output)
  expect(came.code, `exit code of ${command}`).toBe(code)
}

/** On a busy machine a command may take long enough to say how far it is. */
function withoutProgress(text: string): string {
  return text.replaceAll(/^(?:\d+ of \d+ tests|\d+ records (?:read|replayed))\n/gm, '')
}

/** Whether a program is there; pages use some that not every machine has. */
export function has(program: string): Promise<boolean> {
  return new Promise(resolve => {
    execFile(program, ['--version'], error => resolve(error === null))
  })
}

/** What a page says, with the places of this run. */
export function here(text: string, places: CommandRun['places']): string {
  return [...places].reduce((all, [theirs, ours]) => all.replaceAll(theirs, ours), text)
}

/** What came, as the page says it: its places, and one id, revision, time and digest for all. */
export function there(text: string, places: CommandRun['places']): string {
  return [...places]
    .reduce((all, [theirs, ours]) => all.replaceAll(ours, theirs), text)
    .replaceAll(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '6f1c0a52-3c1e-4b0e-9a57-0d7c2f9b8e41')
    .replaceAll(/revision [0-9a-f]{16}/g, 'revision 1f0e9d8c7b6a5948')
    .replaceAll(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '2026-01-15T09:30:00.000Z')
}
