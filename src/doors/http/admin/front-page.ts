import { createHash } from 'node:crypto'
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../../../protocol/json-value.js'
import type { Reply } from './reply.js'
import { readRecord } from './shown-record.js'

export interface FrontPage {
  readonly ready: boolean
  readonly reasons: readonly string[]
  readonly version: string
  readonly revision: string
  /** Records, newest first. */
  readonly records: readonly string[]
  /** What the records were picked by, "" for all of them. */
  readonly shown: string
}

const style = `body{font:14px/1.5 system-ui,sans-serif;margin:2rem;color:#222;background:#fff}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #ddd;vertical-align:top}
td{overflow-wrap:anywhere}.deny{color:#a00}.ok{color:#070}code{font-size:13px}nav a{margin-right:1rem}`

const styleDigest = createHash('sha256').update(style).digest('base64')

const headers = {
  'content-security-policy': `default-src 'none'; style-src 'sha256-${styleDigest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
}

const links = [
  ['/?', 'all'],
  ['/?outcome=deny', 'denied'],
  ['/?outcome=allow', 'allowed'],
  ['/?would=true', 'would be denied'],
] as const
const pages = ['/readyz', '/policies', '/config', '/metrics', '/decisions'] as const

/** A page for people: the state, links, and the last decisions. It needs no script and loads nothing. */
export function frontPage({ ready, reasons, version, revision, records, shown }: FrontPage): Reply {
  const rows = records.flatMap(line => {
    const record = readRecord(line)
    return record === undefined ? [] : [row(record)]
  })
  const state = ready ? '<strong class="ok">ready</strong>' : '<strong class="deny">not ready</strong>'
  const body = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>mcp-authz</title><style>${style}</style></head><body>
<h1>mcp-authz</h1>
<p>${state} · version ${escapeText(version)} · policies <code>${escapeText(revision === '' ? 'none in force' : revision)}</code></p>
${reasons.length === 0 ? '' : `<ul>${reasons.map(reason => `<li>${escapeText(reason)}</li>`).join('')}</ul>`}
<nav>${pages.map(path => `<a href="${path}">${path}</a>`).join('')}</nav>
<h2>Recent decisions</h2>
<nav>${links.map(([path, text]) => (shown === text ? `<strong>${text}</strong> ` : `<a href="${path}">${text}</a>`)).join('')}</nav>
<table><thead><tr><th>time</th><th>decision</th><th>Server</th><th>caller</th><th>call</th><th>reason</th><th>record</th></tr></thead><tbody>
${rows.length === 0 ? '<tr><td colspan="7">none</td></tr>' : rows.join('\n')}
</tbody></table>
</body></html>
`
  return { status: 200, contentType: 'text/html; charset=utf-8', body, headers }
}

function row(record: JsonObject): string {
  const id = text(record, 'decision_id')
  const mcp = objectIn(record.get('mcp'))
  const would = record.get('would_deny')
  const first = isJsonArray(would) ? objectIn(would[0]) : undefined
  const agent = text(objectIn(record.get('agent')), 'id')
  const decision = text(record, 'decision')
  const cells = [
    text(record, 'timestamp'),
    decision,
    text(record, 'server'),
    words(text(objectIn(record.get('subject')), 'user'), agent === '' ? '' : `through ${agent}`),
    words(text(mcp, 'method'), text(objectIn(mcp?.get('target')), 'name')),
    words(text(record, 'reason'), text(record, 'policy')) ||
      (first === undefined ? '' : words('would:', text(first, 'reason'), text(first, 'policy'))),
  ]
  const link = /^[0-9a-f-]{1,64}$/.test(id) ? `<a href="/decisions?id=${id}">${id.slice(0, 8)}</a>` : ''
  return `<tr${decision === 'deny' ? ' class="deny"' : ''}>${cells.map(cell => `<td>${escapeText(cell)}</td>`).join('')}<td>${link}</td></tr>`
}

function words(...parts: readonly string[]): string {
  return parts.filter(part => part !== '').join(' ')
}

function objectIn(value: JsonValue | undefined): JsonObject | undefined {
  return isJsonObject(value) ? value : undefined
}

function text(value: JsonObject | undefined, name: string): string {
  const found = value?.get(name)
  return typeof found === 'string' ? found : ''
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Texts of callers and policies; control and formatting characters are made visible, so that none can rearrange the page. */
function escapeText(value: string): string {
  return value.replace(/[&<>"']|[\p{Cc}\p{Cf}\u2028\u2029]/gu, character => {
    const code = (character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')
    return entities[character] ?? `\\u${code}`
  })
}
