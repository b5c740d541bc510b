import { RE2JS } from 're2js'
import type { Finding } from '../documents/finding.js'
import type { Config } from './config.js'
import type { ConfigSpec } from './config-document.js'
import { type ArgumentStep, parseArgumentPath } from './parse-argument-path.js'
import { resolveKubernetesRecords } from './resolve-kubernetes-records.js'

type Report = (
  severity: Finding['severity'],
  path: readonly (string | number)[],
  message: string,
  hint?: string,
) => void

/** Instructions of all patterns times the bytes in which they search: takes some 20 milliseconds in the worst case. */
const mostSearch = 20_000_000

/** @param at makes a path absolute */
export function resolveDecisionLog(
  spec: ConfigSpec,
  at: (path: string) => string,
  report: Report,
): Config['decisionLog'] {
  const { decisionLog } = spec
  const { stdout, file, maxBufferedBytes, rotate, chain, chainKeyFile } = decisionLog
  const path = ['decisionLog']
  if (stdout === false && file === undefined)
    report(
      'warning',
      path,
      'decision records go neither to stdout nor to a file',
      'name a file, or leave stdout out, unless OTEL_LOGS_EXPORTER sends them to a collector',
    )
  if (rotate !== undefined && file === undefined)
    report('error', [...path, 'rotate'], 'there is no file to rotate', 'name decisionLog.file')
  if (chainKeyFile !== undefined && !chain)
    report('error', [...path, 'chainKeyFile'], 'has no effect without a chain', 'add chain: true')
  return {
    stdout: stdout ?? file === undefined,
    file: file === undefined ? undefined : at(file),
    maxBufferedBytes,
    rotate,
    chain,
    chainKeyFile: chainKeyFile === undefined ? undefined : at(chainKeyFile),
    kubernetes: resolveKubernetesRecords(spec, at, report),
    arguments: resolveArguments(decisionLog.arguments, [...path, 'arguments'], report),
  }
}

function resolveArguments(
  { mode, paths = [], redact = [], maxBytes }: ConfigSpec['decisionLog']['arguments'],
  path: readonly (string | number)[],
  report: Report,
): Config['decisionLog']['arguments'] {
  if (mode === 'paths' && paths.length === 0)
    report('error', path, 'no path is named', 'add paths, such as "$.namespace", or write mode: none')
  if (mode !== 'paths' && paths.length > 0)
    report('error', [...path, 'paths'], `has no effect with mode: ${mode}`, 'write mode: paths')
  if (mode === 'none' && redact.length > 0)
    report('error', [...path, 'redact'], 'has no effect with mode: none', 'remove it')
  const steps = paths.flatMap((text, i): (readonly ArgumentStep[])[] => {
    const parsed = parseArgumentPath(text)
    if (parsed.ok) return [parsed.steps]
    report('error', [...path, 'paths', i], parsed.message)
    return []
  })
  let weight = 0
  for (const [i, { pattern }] of redact.entries()) {
    try {
      const compiled = RE2JS.compile(pattern)
      weight += Math.max(pattern.length, compiled.programSize())
      if (compiled.test(redactedArgument) || compiled.test(''))
        report(
          'error',
          [...path, 'redact', i, 'pattern'],
          'the pattern matches nothing at all, or what it is replaced by',
          'let it say more of the text',
        )
    } catch {
      report('error', [...path, 'redact', i, 'pattern'], 'not a regular expression of RE2')
    }
  }
  if (weight * maxBytes > mostSearch)
    report(
      'error',
      [...path, 'redact'],
      'the patterns would take too long for so many bytes',
      'use fewer or smaller ones, or a smaller maxBytes',
    )
  return { mode, paths: steps, patterns: redact.map(({ pattern }) => pattern), maxBytes }
}

/** What stands in the place of what a pattern found. */
const redactedArgument = '[redacted]'
