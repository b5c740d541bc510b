import type { Finding } from '../../documents/finding.js'
import { allCodes, codeOf } from './check-codes.js'
import { type Fix, regionOf } from './fix.js'

export interface SarifFinding {
  readonly finding: Finding
  readonly fix: Fix | undefined
}

/**
 * Findings in the Static Analysis Results Interchange Format (OASIS SARIF 2.1.0), as code scanning takes them. Columns count
 * UTF-16 units there too (§3.14.17). `textOf` gives the text of a file that has a fix.
 */
export function formatSarif(
  found: readonly SarifFinding[],
  version: string,
  textOf: (file: string) => string | undefined,
): string {
  const codes = [...new Set(found.map(({ finding }) => codeOf(finding)))].sort()
  const rules = codes.map(id => ({ id, shortDescription: { text: allCodes.get(id) ?? id } }))
  const results = found.map(({ finding, fix }) => ({
    ruleId: codeOf(finding),
    ruleIndex: codes.indexOf(codeOf(finding)),
    level: finding.severity,
    message: { text: messageOf(finding) },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: uriOf(finding.location.file) },
          region: { startLine: finding.location.line, startColumn: finding.location.column },
        },
      },
    ],
    ...(fix !== undefined && { fixes: fixesOf(fix, textOf(fix.file)) }),
  }))
  const driver = { name: 'mcp-authz', version, rules }
  return JSON.stringify(
    {
      $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
      version: '2.1.0',
      runs: [{ tool: { driver }, columnKind: 'utf16CodeUnits', results }],
    },
    undefined,
    2,
  )
}

function messageOf({ subject, path, message, hint }: Finding): string {
  const about = [subject, path].filter(part => part !== '').join(' ')
  return `${about === '' ? '' : `${about}: `}${message}${hint === undefined ? '' : `\n${hint}`}`
}

function fixesOf(fix: Fix, text: string | undefined): readonly object[] {
  if (text === undefined) return []
  const { start, end } = regionOf(text, fix)
  const deletedRegion = { startLine: start.line, startColumn: start.column, endLine: end.line, endColumn: end.column }
  const description =
    fix.effect === 'mends' ? 'check --fix makes this change' : 'a person has to decide whether this was meant'
  const replacements = [{ deletedRegion, insertedContent: { text: fix.text } }]
  const artifactLocation = { uri: uriOf(fix.file) }
  return [{ description: { text: description }, artifactChanges: [{ artifactLocation, replacements }] }]
}

/** A relative reference (RFC 3986, section 4.2): each segment encoded, so that no name is taken for anything else. */
function uriOf(file: string): string {
  const path = file.split('/').map(encodeURIComponent).join('/')
  return file.startsWith('/') ? `file://${path}` : path
}
