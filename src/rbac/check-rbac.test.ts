import { describe, expect, it } from 'vitest'
import { readDocuments } from '../documents/read-documents.js'
import { parseRbac } from './parse-rbac.js'
import { type ManifestCase, manifestCases } from './rbac-manifests.fixture.js'

const findings = (manifest: unknown) => {
  const [document, ...others] = readDocuments('rbac.yaml', JSON.stringify(manifest, undefined, 1)).documents
  if (document === undefined || others.length > 0) throw new Error('not one document')
  return parseRbac(document)
}

describe('what the API server accepts and refuses', () => {
  it.each(manifestCases.map(one => [one.name, one] as const))('%s', (_name, { manifest, refused }: ManifestCase) => {
    const parsed = findings(manifest)
    const errors = parsed.findings.filter(({ severity }) => severity === 'error')
    expect(errors.map(({ path }) => path)).toEqual(refused)
    expect(parsed.value === undefined).toBe(refused.length > 0)
    for (const { location, message } of errors) {
      expect(location.line).toBeGreaterThan(0)
      expect(message).not.toBe('')
    }
  })
})

describe('findings point at what is wrong and say what to write', () => {
  const text = `apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: b, namespace: dev }
roleRef: { kind: clusterRole, name: r }
subjects:
- kind: user
  name: alice
- { kind: ServiceAccount, name: Bot }
`
  it('with line, column and a hint', () => {
    const [document] = readDocuments('rbac.yaml', text).documents
    if (document === undefined) throw new Error('no document')
    const said = parseRbac(document).findings.map(({ location, path, message, hint }) => [
      `${location.line}:${location.column}`,
      path,
      message,
      hint,
    ])
    expect(said).toEqual([
      ['4:18', 'roleRef.kind', 'must be Role or ClusterRole', 'did you mean ClusterRole?'],
      ['6:9', 'subjects[0].kind', 'must be User or Group or ServiceAccount', 'did you mean User?'],
      [
        '8:33',
        'subjects[1].name',
        'not the name of a ServiceAccount',
        'lower-case letters, digits, "-" and ".", at most 253',
      ],
    ])
  })
  it.each([
    ['the namespace of a user', { kind: 'User', name: 'u', namespace: 'dev' }, 'subjects[0].namespace'],
    ['a namespace that cannot be', { kind: 'ServiceAccount', name: 'u', namespace: 'a.b' }, 'subjects[0].namespace'],
  ])('warns of %s, which an API server accepts', (_name, subject, path) => {
    const manifest = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'b' },
      roleRef: { kind: 'ClusterRole', name: 'r' },
      subjects: [subject],
    }
    const parsed = findings(manifest)
    expect(parsed.value).toHaveLength(1)
    expect(parsed.findings.map(finding => [finding.severity, finding.path])).toEqual([['warning', path]])
  })
})
