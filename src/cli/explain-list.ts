import type { ListedKind } from '../decision/hypothetical-call.js'
import { pageWithinBudget, toolBudgetOf } from '../decision/tool-budget.js'
import type { Step } from '../decision/trial.js'
import { createVisibility, type ListedItem, type Shown, type Visibility } from '../decision/visibility.js'
import { visibleText } from '../documents/visible-text.js'
import type { Principal } from '../identity/principal.js'
import type { Server } from '../policy/server.js'
import type { PolicySnapshot } from '../policy/snapshot.js'
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../protocol/json-value.js'
import { parseStrictJson } from '../protocol/strict-json.js'
import { UsageError } from './command.js'

/** The kinds of items, as `--kind` and the results of MCP's list methods call them. */
const fields = {
  tools: { kind: 'tool', name: 'name' },
  prompts: { kind: 'prompt', name: 'name' },
  resources: { kind: 'resource', name: 'uri' },
  resourceTemplates: { kind: 'resourceTemplate', name: 'uriTemplate' },
} as const satisfies Record<string, { readonly kind: ListedKind; readonly name: string }>
type Field = keyof typeof fields

export interface ListToExplain {
  readonly snapshot: PolicySnapshot
  readonly server: Server
  readonly principal: Principal
  /** `--kind`; all of them without. */
  readonly kind: string | undefined
  /** Text of `--items`; without, the items are those of the Server's catalogue. */
  readonly items: string | undefined
}

interface Explained {
  readonly item: ListedItem
  readonly shown: Shown
  /** Whether the agent's budget leaves it out. */
  readonly beyondBudget: boolean
  readonly steps: readonly Step[]
}

/** Judges each item of a list as a door that sees answers would, and says why. */
export async function explainList(list: ListToExplain, format: 'text' | 'json'): Promise<string> {
  const { snapshot, server, principal } = list
  const { items, paged } = itemsOf(list)
  const visibility = createVisibility({ snapshot, server, principal })
  const judged = await Promise.all(
    items.map(async item => {
      const steps: Step[] = []
      return { item, shown: await visibility.judge(item, steps), steps }
    }),
  )
  const kept = await withinBudget(list, visibility, judged, paged)
  const explained = judged.map(one => ({
    ...one,
    beyondBudget: one.item.kind === 'tool' && one.shown.shown && kept?.has(one.item.name) === false,
  }))
  return format === 'json' ? asJson(explained, snapshot.revision) : asText(explained, snapshot.revision)
}

async function withinBudget(
  { server, principal }: ListToExplain,
  visibility: Visibility,
  judged: readonly { readonly item: ListedItem; readonly shown: Shown }[],
  paged: boolean,
): Promise<ReadonlySet<string> | undefined> {
  const budget = toolBudgetOf(server, principal)
  if (budget === undefined || server.mode === 'Audit') return undefined
  const tools = judged.flatMap(({ item, shown }) => (item.kind === 'tool' && shown.shown ? [item.name] : []))
  return new Set(await pageWithinBudget({ server, budget, visibility, tools, paged }))
}

function itemsOf({ server, kind, items }: ListToExplain): {
  readonly items: readonly ListedItem[]
  readonly paged: boolean
} {
  const wanted = kind === undefined ? fieldNames : fieldNames.filter(field => field === kind)
  if (wanted.length === 0) throw new UsageError(`--kind is one of ${fieldNames.join(', ')}`)
  if (items !== undefined) return itemsInFile(items, wanted)
  const { catalog, toolPrefix } = server
  if (catalog === undefined) {
    throw new UsageError(
      `the Server "${server.name}" has no catalogue that names its items; give them with --items FILE`,
    )
  }
  const found: ListedItem[] = []
  if (wanted.includes('tools'))
    for (const name of catalog.tools.keys()) found.push({ kind: 'tool', name: toolPrefix + name })
  if (wanted.includes('prompts')) for (const name of catalog.prompts.keys()) found.push({ kind: 'prompt', name })
  if (found.length === 0) throw new UsageError(`a catalogue names no ${wanted.join(', ')}; give them with --items FILE`)
  return { items: found, paged: false }
}

const fieldNames: readonly Field[] = ['tools', 'prompts', 'resources', 'resourceTemplates']

/** The result of a list method, alone or in its JSON-RPC message. */
function itemsInFile(text: string, wanted: readonly Field[]): ReturnType<typeof itemsOf> {
  const parsed = parseStrictJson(Buffer.from(text))
  if (!parsed.ok) throw new UsageError(`--items is not JSON: ${parsed.message}`)
  const value = parsed.value
  const message = isJsonObject(value) ? value.get('result') : undefined
  const result = isJsonObject(message) ? message : value
  if (!isJsonObject(result)) throw new UsageError('--items holds no result of a list method, e.g. {"tools":[…]}')
  const found = wanted.flatMap(field => listIn(result, field))
  if (found.length === 0) throw new UsageError(`--items holds no ${wanted.join(', ')}`)
  return { items: found, paged: result.has('nextCursor') }
}

function listIn(result: JsonObject, field: Field): readonly ListedItem[] {
  const list = result.get(field)
  if (list === undefined) return []
  if (!isJsonArray(list)) throw new UsageError(`--items: ${field} is not a list`)
  const { kind, name } = fields[field]
  return list.map((item, index) => ({ kind, name: textIn(item, name, `${field}[${index}]`) }))
}

function textIn(item: JsonValue, name: string, where: string): string {
  const text = isJsonObject(item) ? item.get(name) : undefined
  if (typeof text !== 'string') throw new UsageError(`--items: ${where} has no ${name}`)
  return text
}

const marks: Readonly<Record<Step['outcome'], string>> = {
  pass: 'ok',
  fail: 'NO',
  'would fail': 'would',
  warn: 'warn',
  'not matched': '-',
  info: '',
}

function asText(explained: readonly Explained[], revision: string): string {
  const lines: string[] = []
  const width = Math.max(...explained.map(({ item }) => item.name.length))
  for (const { item, shown, beyondBudget, steps } of explained) {
    const verdict = !shown.shown ? 'hidden' : beyondBudget ? 'beyond' : 'shown '
    lines.push(`${verdict}  ${item.name.padEnd(width)}  ${reasonOf(shown, beyondBudget)}`.trimEnd())
    for (const { rule, outcome, detail } of steps)
      lines.push(`          ${marks[outcome].padEnd(6)}${rule === '' ? '' : `${rule}  `}${detail}`.trimEnd())
    // What no rule said, the verdict itself says.
    if (!shown.shown && !steps.some(({ outcome }) => outcome === 'fail'))
      lines.push(`          NO    ${shown.why.message}`)
  }
  const count = explained.filter(({ shown, beyondBudget }) => shown.shown && !beyondBudget).length
  lines.push('', `${count} of ${explained.length} shown, policy revision ${revision}`)
  // Names are what servers say, with --items.
  return lines.map(line => visibleText(line)).join('\n')
}

function reasonOf(shown: Shown, beyondBudget: boolean): string {
  if (shown.shown) {
    if (beyondBudget) return 'more tools than the budget of this agent'
    return shown.unasked === undefined ? '' : `not certain: ${shown.unasked}`
  }
  const { reason, policy } = shown.why
  return policy === '' ? reason : `${reason} (${policy})`
}

function asJson(explained: readonly Explained[], policyRevision: string): string {
  const items = explained.map(({ item, shown, beyondBudget, steps }) => ({
    ...item,
    shown: shown.shown && !beyondBudget,
    ...(shown.shown ? { unasked: shown.unasked } : { why: shown.why }),
    ...(beyondBudget && { beyondBudget }),
    steps,
  }))
  return JSON.stringify({ items, policyRevision }, undefined, 2)
}
