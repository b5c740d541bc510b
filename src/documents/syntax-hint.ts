import type { YAMLError } from 'yaml'

/** What to do about a YAML syntax error; undefined where we cannot tell. */
export function syntaxHint(code: YAMLError['code'], line: string): string | undefined {
  switch (code) {
    case 'TAB_AS_INDENT':
      return 'YAML is indented with spaces: replace the tab'
    case 'BAD_INDENT':
      return line.startsWith('\t')
        ? 'YAML is indented with spaces: replace the tab'
        : 'align this line with its siblings, or close the bracket above it'
    case 'BLOCK_AS_IMPLICIT_KEY':
      return 'if the value contains ": ", put it in quotes; otherwise check the indentation of the next line'
    case 'MULTILINE_IMPLICIT_KEY':
      return 'every line needs the form "key: value"; check the colon and the indentation'
    case 'MISSING_CHAR':
      return 'a quote, a bracket or the colon after a key is missing here or above'
    case 'BAD_SCALAR_START':
      return 'put the value in quotes'
    case 'BAD_DQ_ESCAPE':
      return 'in double quotes write \\\\ for a backslash, or use single quotes'
    case 'UNEXPECTED_TOKEN':
      return 'check the indentation; two values stand where one is expected'
    case 'TAG_RESOLVE_FAILED':
      return 'tags are not supported: remove it; text that begins with ! needs quotes'
    default:
      return undefined
  }
}
