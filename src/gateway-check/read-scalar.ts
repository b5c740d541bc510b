import type { ConfigNode } from './config-node.js'

/*
 * Envoy reads scalars more liberally than YAML 1.2 says: `yes`, `on` and "true" in quotes are true, numbers may stand in
 * quotes, enums may be numbers or in lower case. What cannot be read here is taken for the dangerous value.
 */

const yes = new Set(['true', 'yes', 'on', 'y'])
const no = new Set(['false', 'no', 'off', 'n'])

export function isTrue(node: ConfigNode | undefined): boolean {
  return node !== undefined && (node.value === true || yes.has(word(node)))
}

/** Absent, or clearly false. A placeholder (`${ALLOW}`) is neither true nor false. */
export function isFalse(node: ConfigNode | undefined): boolean {
  return node === undefined || node.value === false || no.has(word(node))
}

/** undefined where it is absent or no number. */
export function numberOf(node: ConfigNode | undefined): number | undefined {
  if (typeof node?.value === 'number') return node.value
  if (typeof node?.value !== 'string' || !/^\d{1,15}$/.test(node.value)) return undefined
  return Number(node.value)
}

/** "" where it is absent or no text. */
export function textOf(node: ConfigNode | undefined): string {
  return typeof node?.value === 'string' ? node.value : ''
}

/** Seconds of a duration: "2s", "0.5s" or { seconds, nanos }. undefined where it is absent or no duration. */
export function secondsOf(node: ConfigNode | undefined): number | undefined {
  if (node === undefined) return undefined
  if (typeof node.value === 'string') {
    const [, digits] = /^(\d{1,12}(?:\.\d{1,9})?)s$/.exec(node.value) ?? []
    return digits === undefined ? undefined : Number(digits)
  }
  if (typeof node.value !== 'object') return undefined
  return (numberOf(node.field('seconds')) ?? 0) + (numberOf(node.field('nanos')) ?? 0) / 1e9
}

/** The name of an enum's value; numbers are looked up in `names`, which stand in the order of the proto. */
export function enumOf(node: ConfigNode | undefined, names: readonly string[]): string | undefined {
  if (node === undefined) return names[0]
  const number = numberOf(node)
  if (number !== undefined) return names[number]
  const name = textOf(node).toUpperCase().replaceAll('-', '_')
  return names.includes(name) ? name : undefined
}

/** A value as it is shown in a message. */
export function shown(node: ConfigNode | undefined): string {
  if (node === undefined) return 'not set'
  if (typeof node.value === 'object') return Array.isArray(node.value) ? 'a list' : 'a mapping'
  return String(node.value).slice(0, 60)
}

function word(node: ConfigNode): string {
  return typeof node.value === 'string' ? node.value.toLowerCase() : ''
}
