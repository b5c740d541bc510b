import { formatGithub } from './format-github.js'
import { formatJson } from './format-json.js'
import { formatJunit } from './format-junit.js'
import { formatTap } from './format-tap.js'
import { type FormatOptions, formatText } from './format-text.js'
import type { RunReport } from './run-policy-tests.js'

export const runFormats = ['text', 'json', 'junit', 'tap', 'github'] as const
export type RunFormat = (typeof runFormats)[number]

/** A report in one of the forms that people and machines read. */
export function formatRun(report: RunReport, format: RunFormat, options: FormatOptions): string {
  switch (format) {
    case 'text':
      return formatText(report, options)
    case 'json':
      return formatJson(report)
    case 'junit':
      return formatJunit(report)
    case 'tap':
      return formatTap(report)
    case 'github':
      return formatGithub(report, options)
  }
}
