/**
 * The names of Kubernetes, and what is said of a text that is none: apimachinery `validation` and `content`, in their words,
 * because policies hand them on to users who know them. Lengths are bytes. An empty list: the name is valid.
 */
export type NameCheck = (text: string) => readonly string[]

const bytes = (text: string): number => Buffer.byteLength(text, 'utf8')

/** Only these characters, the first and the last of them from `ends` (and the first from `first`). No backtracking. */
interface Shape {
  readonly chars: RegExp
  readonly first: RegExp
  readonly last: RegExp
}

const dns1123: Shape = { chars: /^[-a-z0-9]+$/, first: /^[a-z0-9]/, last: /[a-z0-9]$/ }
const dns1035: Shape = { ...dns1123, first: /^[a-z]/ }
const label: Shape = { chars: /^[-A-Za-z0-9_.]+$/, first: /^[A-Za-z0-9]/, last: /[A-Za-z0-9]$/ }

const has = (shape: Shape, text: string): boolean =>
  shape.chars.test(text) && shape.first.test(text) && shape.last.test(text.slice(-1))

const isSubdomain = (text: string): boolean => text.split('.').every(part => has(dns1123, part))

const dns1123Pattern = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const subdomainPattern = `${dns1123Pattern}(\\.${dns1123Pattern})*`
const dns1035Pattern = '[a-z]([-a-z0-9]*[a-z0-9])?'
const labelPattern = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'

function explain(rule: string, pattern: string, ...examples: readonly string[]): string {
  return `${rule} (e.g. ${examples.map(example => `'${example}'`).join(',  or ')}, regex used for validation is '${pattern}')`
}

const notDns1123Label = explain(
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  dns1123Pattern,
  'my-name',
  '123-abc',
)
const notSubdomain = explain(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  subdomainPattern,
  'example.com',
)
const notDns1035Label = explain(
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  dns1035Pattern,
  'my-name',
  'abc-123',
)
const labelRule =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
const notLabelKey = explain(labelRule, labelPattern, 'MyName', 'my.name', '123-abc')
const notLabelValue = explain(
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  `(${labelPattern})?`,
  'MyValue',
  'my_value',
  '12345',
)

const tooLong = (text: string, length: number, unit: 'characters' | 'bytes'): readonly string[] =>
  bytes(text) > length ? [`must be no more than ${length} ${unit}`] : []

export const checkDns1123Label: NameCheck = text => {
  const long = tooLong(text, 63, 'characters')
  if (has(dns1123, text)) return long
  return [...long, isSubdomain(text) ? 'must not contain dots' : notDns1123Label]
}

export const checkDns1123Subdomain: NameCheck = text => [
  ...tooLong(text, 253, 'characters'),
  ...(isSubdomain(text) ? [] : [notSubdomain]),
]

export const checkDns1035Label: NameCheck = text => [
  ...tooLong(text, 63, 'characters'),
  ...(has(dns1035, text) ? [] : [notDns1035Label]),
]

/** A name to which something will be appended may end in a dash. Kubernetes replaces the last two characters by an `a`. */
export const asPrefix =
  (check: NameCheck): NameCheck =>
  text =>
    check(text.length > 1 && text.endsWith('-') ? `${text.slice(0, -2)}a` : text)

/** A label's key: a name, with or without a DNS prefix. */
export const checkQualifiedName: NameCheck = text => {
  const slash = text.indexOf('/')
  if (slash !== text.lastIndexOf('/')) {
    return [
      `a valid label key ${notLabelKey} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ]
  }
  const prefix = slash < 0 ? undefined : text.slice(0, slash)
  const name = text.slice(slash + 1)
  const problems: string[] = []
  if (prefix === '') problems.push('prefix part must be non-empty')
  else if (prefix !== undefined) {
    // Here the limit is called bytes.
    if (bytes(prefix) > 253) problems.push('prefix part must be no more than 253 bytes')
    if (!isSubdomain(prefix)) problems.push(`prefix part ${notSubdomain}`)
  }
  if (name === '') problems.push('name part must be non-empty')
  else if (bytes(name) > 63) problems.push('name part must be no more than 63 bytes')
  if (!has(label, name)) problems.push(`name part ${notLabelKey}`)
  return problems
}

export const checkLabelValue: NameCheck = text => [
  ...tooLong(text, 63, 'bytes'),
  ...(text === '' || has(label, text) ? [] : [notLabelValue]),
]
