const plain = /^(?:[A-Za-z_][A-Za-z0-9_./-]*|https?:\/\/[A-Za-z0-9_./:~-]{0,2000}[A-Za-z0-9/]|\d+\.\d+\.\d+\.\d+)$/
const words: ReadonlySet<string> = new Set(['true', 'false', 'null', 'yes', 'no', 'on', 'off', 'y', 'n'])

/** A text as a scalar of YAML, in quotes where it needs some; right in lists and mappings in braces as well. */
export function yamlText(text: string): string {
  return plain.test(text) && !words.has(text.toLowerCase()) ? text : JSON.stringify(text)
}

/** A value of JSON as YAML in braces. */
export function yamlFlow(value: unknown): string {
  if (typeof value === 'string') return yamlText(value)
  if (Array.isArray(value)) return `[${value.map(yamlFlow).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(([key, member]) => `${yamlText(key)}: ${yamlFlow(member)}`)
    return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`
  }
  return JSON.stringify(value)
}
