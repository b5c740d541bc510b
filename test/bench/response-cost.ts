import { appendText } from '../../src/protocol/mcp/append-text.js'
import { filterList } from '../../src/protocol/mcp/filter-list.js'
import { mapResultTexts } from '../../src/protocol/mcp/map-result-texts.js'
import { EventStreamReader } from '../../src/protocol/sse/event-stream-reader.js'
import { withData } from '../../src/protocol/sse/stream-event.js'
import { type CostRatio, type CostRatioOptions, measureRatio, type Run } from './cost-ratio.js'

/** One step of the way back, beside `JSON.parse` and `JSON.stringify` of the same bytes. */
export interface ResponseStep {
  readonly name: string
  readonly bytes: Buffer
  readonly run: (bytes: Buffer) => boolean
}

/** A list of so many tools, half of which go. */
export function listSteps(tools: number): readonly ResponseStep[] {
  const list = (tool: (at: number) => unknown, indent?: number) =>
    Buffer.from(
      JSON.stringify(
        {
          jsonrpc: '2.0',
          id: 1,
          result: { tools: Array.from({ length: tools }, (_, at) => tool(at)), ttlMs: 0, cacheScope: 'public' },
        },
        undefined,
        indent,
      ),
    )
  return [
    { name: 'ordinary tools', bytes: list(ordinary), run: filter },
    { name: 'ordinary tools, indented', bytes: list(ordinary, 2), run: filter },
    { name: 'bare tools', bytes: list(at => ({ name: `tool_${at}`, inputSchema: { type: 'object' } })), run: filter },
    {
      name: 'tools with long texts',
      bytes: list(at => ordinary(at, 'All that it does is said here, at length. '.repeat(40))),
      run: filter,
    },
    { name: 'tools with escapes', bytes: list(at => ordinary(at, 'Say "yes"\n\tor "no".\n'.repeat(20))), run: filter },
    {
      name: 'tools beyond ASCII',
      bytes: list(at => ordinary(at, 'Příliš žluťoučký kůň úpěl ďábelské ódy. 日本語 😀 '.repeat(5))),
      run: filter,
    },
    { name: 'ordinary tools as an event', bytes: list(ordinary), run: filterEvent },
  ]
}

/** Results of calls. */
export function resultSteps(): readonly ResponseStep[] {
  const log = 'I1121 12:50:34.123456 1 main.go:42] "request" verb="GET" path="/api/v1/pods" status=200\n'.repeat(400)
  const rows = Array.from({ length: 200 }, (_, at) => ({
    name: `pod-${at}`,
    namespace: 'shop',
    ready: at % 3 !== 0,
    restarts: at,
  }))
  const result = (value: object) => Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, result: value }))
  const text = result({ content: [{ type: 'text', text: log }] })
  const structure = result({ content: [{ type: 'text', text: JSON.stringify(rows) }], structuredContent: { rows } })
  return [
    { name: 'a text added to a log', bytes: text, run: append },
    { name: 'a text added to a structure', bytes: structure, run: append },
    { name: 'a log looked through', bytes: text, run: inspect },
    { name: 'a structure looked through', bytes: structure, run: inspect },
  ]
}

export function measureResponse({ bytes, run }: ResponseStep, options: CostRatioOptions): Promise<CostRatio> {
  const ours = () => {
    if (!run(bytes)) throw new Error('the answer was refused')
  }
  return measureRatio(ours, parseAndWrite(bytes), options)
}

/** The reference: the least that somebody does who changes anything in a JSON text. */
export function parseAndWrite(bytes: Buffer): Run {
  return () => {
    Buffer.from(JSON.stringify(JSON.parse(bytes.toString('utf8'))))
  }
}

function filter(bytes: Buffer): boolean {
  return filterList(bytes, item => item.index % 2 === 0, { cacheScope: 'private' }).ok
}

function filterEvent(data: Buffer): boolean {
  const source = Buffer.concat([Buffer.from('event: message\nid: 1\ndata: '), data, Buffer.from('\n\n')])
  for (const event of new EventStreamReader().read(source).events) {
    if (event.data === undefined) return false
    const done = filterList(event.data, item => item.index % 2 === 0, { cacheScope: 'private' })
    if (!done.ok || withData(event, done.bytes).length === 0) return false
  }
  return true
}

function append(bytes: Buffer): boolean {
  return appendText(bytes, ['You act for jane.']).ok
}

function inspect(bytes: Buffer): boolean {
  return mapResultTexts(bytes, value => (value.includes('no such secret') ? '' : undefined)).ok
}

function ordinary(at: number, description = 'Lists the pods of a namespace, or of all, as a table.'): unknown {
  return {
    name: `pods_list_${at}`,
    title: 'Pods: List',
    description,
    annotations: { readOnlyHint: true, destructiveHint: false, openWorldHint: true },
    inputSchema: {
      type: 'object',
      properties: {
        namespace: { type: 'string', description: 'The namespace to list; all if it is left out' },
        labelSelector: {
          type: 'string',
          description: "A label selector, e.g. 'app=web'",
          pattern: '^[A-Za-z0-9=,!. -]*$',
        },
        limit: { type: 'integer', description: 'At most so many', minimum: 1, maximum: 500, default: 100 },
      },
      required: ['namespace'],
    },
  }
}
