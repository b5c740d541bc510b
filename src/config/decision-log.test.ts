import { describe, expect, it } from 'vitest'
import { loadConfig } from './load-config.js'
import { parseArgumentPath } from './parse-argument-path.js'

function load(decisionLog: string) {
  const text = `apiVersion: mcp-authz.dev/v1alpha1\nkind: Config\nspec: { decisionLog: ${decisionLog} }\n`
  return loadConfig({ file: { path: '/etc/c/config.yaml', text } })
}

describe('decisionLog', () => {
  it('is read whole', () => {
    const loaded = load(
      '{ file: d.ndjson, rotate: { files: 3 }, chain: true, chainKeyFile: k, arguments: { mode: paths, paths: ["$.a[*][\'b c\'][0]"], redact: [{ pattern: "sk-[a-z]+" }] } }',
    )
    expect(loaded.ok && loaded.config.decisionLog).toMatchObject({
      file: '/etc/c/d.ndjson',
      rotate: { maxBytes: 104857600, files: 3 },
      chain: true,
      chainKeyFile: '/etc/c/k',
      arguments: {
        mode: 'paths',
        paths: [[{ name: 'a' }, { each: true }, { name: 'b c' }, { index: 0 }]],
        patterns: ['sk-[a-z]+'],
        maxBytes: 4096,
      },
    })
  })

  it('tells a cluster as its own settings say, and not more than asked for', () => {
    const kubernetes = (text: string) => {
      const loaded = load(text)
      return loaded.ok ? loaded.config.decisionLog.kubernetes : loaded.findings
    }
    expect(kubernetes('{}')).toBeUndefined()
    expect(kubernetes('{ kubernetes: { namespace: audit } }')).toEqual({
      ...{ cluster: 'local', namespace: 'audit', events: 'denials', invocations: 'none' },
      ...{ retentionMs: 86_400_000, maxObjects: 1000, connection: { kind: 'inCluster' } },
    })
  })

  it.each<[string, string, string]>([
    ['a cluster that is not there', '{ kubernetes: { cluster: east, namespace: a } }', 'no cluster is named "east"'],
    ['a namespace that is none', '{ kubernetes: { namespace: A_B } }', 'use a DNS label'],
    ['no namespace', '{ kubernetes: {} }', 'is required'],
    ['rotation without a file', '{ rotate: {} }', 'there is no file to rotate'],
    ['a key without a chain', '{ chainKeyFile: k }', 'has no effect without a chain'],
    ['paths without one', '{ arguments: { mode: paths } }', 'no path is named'],
    ['paths that nobody uses', '{ arguments: { mode: all, paths: [$.a] } }', 'has no effect with mode: all'],
    ['patterns that nobody uses', '{ arguments: { redact: [{ pattern: a }] } }', 'has no effect with mode: none'],
    ['a path that is none', '{ arguments: { mode: paths, paths: ["$.a[?(@.b)]"] } }', '"[?(@.b)]" is none of .name'],
    ['a path to everything', '{ arguments: { mode: paths, paths: [$] } }', 'use mode all'],
    [
      'a pattern that is none',
      '{ arguments: { mode: all, redact: [{ pattern: "(?=a)" }] } }',
      'not a regular expression',
    ],
    ['a pattern that matches nothing', '{ arguments: { mode: all, redact: [{ pattern: "a*" }] } }', 'let it say more'],
    [
      'a pattern that finds its replacement',
      '{ arguments: { mode: all, redact: [{ pattern: "[a-z]+" }] } }',
      'let it say more',
    ],
    [
      'patterns that take too long',
      '{ arguments: { mode: all, maxBytes: 65536, redact: [{ pattern: "(abcdefgh){100}" }] } }',
      'too long for so many bytes',
    ],
  ])('refuses %s', (_name, yaml, message) => {
    const loaded = load(yaml)
    const findings = loaded.ok ? [] : loaded.findings
    expect(findings.map(one => `${one.severity} ${one.message} ${one.hint ?? ''}`).join('\n')).toContain(message)
  })
})

describe('parseArgumentPath', () => {
  it.each(['a', '', '.a', '$a', '$..a', '$.', '$[', '$[a]', "$['a", "$['']", '$.a b', '$[-1]', `$.${'a'.repeat(300)}`])(
    'refuses %s',
    text => expect(parseArgumentPath(text).ok).toBe(false),
  )
})
