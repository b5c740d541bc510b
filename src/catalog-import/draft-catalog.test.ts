import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readDocuments } from '../documents/read-documents.js'
import { compileToolCatalog } from '../rbac/tool-catalog-document.js'
import { toolDigest } from '../rbac/tool-digest.js'
import { draftAccess } from './draft-access.js'
import { draftCatalog } from './draft-catalog.js'
import { draftOperations } from './draft-operations.js'
import { definitionOf, publishedOf } from './published.fixture.js'
import type { Published } from './published.js'

const compile = (published: Published) => {
  const draft = draftCatalog(published, 'draft', 'https://mcp.example.com/mcp')
  const { documents, findings } = readDocuments('draft.yaml', draft.text)
  expect(findings).toEqual([])
  expect(documents.length).toBe(1)
  const [document] = documents
  if (document === undefined) throw new Error('no document')
  const compiled = compileToolCatalog(document)
  expect(compiled.findings).toEqual([])
  if (compiled.value === undefined) throw new Error('no catalogue')
  return { ...draft, catalog: compiled.value }
}

const rbac = (value: unknown) => ({ _meta: { 'io.kubernetes-mcp-server/rbac': value } })
const bounded = (...requirements: unknown[]) => rbac({ version: 'v1alpha1', bounded: { requirements } })
const schema = (properties: Readonly<Record<string, unknown>>, required: readonly string[] = []) => ({
  inputSchema: { type: 'object', properties, required },
})
const text = { type: 'string' }

describe('a draft', () => {
  it('refuses and pins every entry', () => {
    const published = publishedOf(
      [
        { name: 'a', ...schema({ x: text }) },
        { name: 'b', ...schema({}) },
      ],
      [{ name: 'p', arguments: [{ name: 'y', required: true }] }],
    )
    const { catalog } = compile(published)
    for (const entry of [...catalog.tools.values(), ...catalog.prompts.values()]) {
      expect(entry).toMatchObject({ refuse: 'not reviewed yet', noOperations: false, access: 'write' })
      expect(entry.digest).toMatch(/^sha256:[0-9a-f]{64}$/)
    }
    expect([...(catalog.tools.get('a')?.arguments ?? [])]).toEqual(['x'])
    expect(catalog.tools.get('b')?.arguments).toEqual(new Set())
    expect([...(catalog.prompts.get('p')?.arguments ?? [])]).toEqual(['y'])
  })

  it('keeps the server’s words in comments, whatever they are', () => {
    const evil = 'x\n  tools: { y: { access: read, operations: none } }\n---\n\u0085a: b\u2028c: d\r\u202e# \u0000"'
    const { catalog, text: drafted } = compile({
      ...publishedOf([{ name: 'a', description: evil, title: evil, ...schema({}) }]),
      server: evil,
      version: evil,
    })
    expect([...catalog.tools.keys()]).toEqual(['a'])
    expect([...drafted].filter(character => /[\p{C}\p{Zl}\p{Zp}]/u.test(character) && character !== '\n')).toEqual([])
  })

  it('says that there is more than it shows', () => {
    const { text: drafted } = compile(publishedOf([{ name: 'a', description: 'y'.repeat(5000), ...schema({}) }]))
    expect(drafted).toContain('(5000 characters in all)')
    expect(drafted.length).toBeLessThan(2000)
  })

  it('leaves names out that no call may have', () => {
    const names = ['__proto__', 'constructor', 'a b', 'é', 'x'.repeat(129), '', 'a\nb', 'toString']
    const { left, catalog } = compile(publishedOf([...names, 'fine'].map(name => ({ name, ...schema({}) }))))
    expect(left).toEqual(names)
    expect([...catalog.tools.keys()]).toEqual(['fine'])
  })

  it('leaves entries out whose arguments cannot be listed', () => {
    const many = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`a${index}`, text]))
    const { left } = compile(
      publishedOf([
        { name: 'many', ...schema(many) },
        { name: 'odd', ...schema({ 'a\u2028b': text }) },
        { name: 'fine', ...schema({}) },
      ]),
    )
    expect(left).toEqual(['many', 'odd'])
  })

  it('reads back as what it was drafted from', () => {
    const word = fc.constantFrom(
      'on',
      'yes',
      '1',
      '0x1',
      'null',
      '~',
      'a',
      'a-b',
      'A.b',
      'x/y',
      '-',
      '2024-01-01',
      '1e3',
    )
    const name = word.filter(one => one !== '~')
    const published = fc.uniqueArray(fc.tuple(name, fc.uniqueArray(word, { maxLength: 4 }), fc.string()), {
      selector: ([name]) => name,
      minLength: 1,
    })
    fc.assert(
      fc.property(published, entries => {
        const tools = entries.map(([name, given, description]) => ({
          ...{ name, description },
          ...schema(Object.fromEntries(given.map(one => [one, text]))),
        }))
        const { catalog } = compile(publishedOf(tools))
        expect([...catalog.tools.keys()].sort()).toEqual(entries.map(([name]) => name).sort())
        for (const [name, given] of entries) {
          expect([...(catalog.tools.get(name)?.arguments ?? [])].sort()).toEqual([...given].sort())
        }
      }),
      { numRuns: 200 },
    )
  })

  it('keeps schemas that have names below the top, or headers', () => {
    const nested = { filter: { type: 'object', description: 'long', properties: { title: text } } }
    const header = { region: { ...text, 'x-mcp-header': 'Region' } }
    const { catalog } = compile(
      publishedOf([
        { name: 'flat', ...schema({ a: text }) },
        { name: 'nested', ...schema(nested) },
        { name: 'header', ...schema(header) },
      ]),
    )
    expect(catalog.tools.get('flat')?.inputSchema).toBeUndefined()
    expect([...(catalog.tools.get('nested')?.inputSchema?.shape.members.get('filter')?.members.keys() ?? [])]).toEqual([
      'title',
    ])
    expect(catalog.tools.get('header')?.inputSchema?.headers).toEqual([
      { header: 'mcp-param-region', path: ['region'], type: 'string' },
    ])
  })

  it.each<[string, string]>([
    ['a name below the top', '{"a":{"type":"object","properties":{"x\u202ey":{"type":"string"}}}}'],
    ['a type', '{"a":{"type":"\u009b31m","properties":{"x":{}}}}'],
    ['a reference that nothing leads to', '{"a":{"properties":{"x":{"$defs":{"y":{"$ref":"\u2028"}}}}}}'],
  ])('keeps no schema with a text that could steer a terminal: %s', (_name, properties) => {
    const { text, catalog } = compile(publishedOf([{ name: 'one', ...schema(JSON.parse(properties)) }]))
    expect(text).toMatch(/^[\n\x20-\x7e]*$/)
    expect(catalog.tools.get('one')?.arguments).toEqual(new Set(['a']))
  })

  it('takes context for the cluster where kubernetes-mcp-server is behind it', () => {
    const one = {
      ...{ name: 'pods_list', ...schema({ context: text }) },
      ...bounded({ verbs: ['list'], target: { resource: { resource: 'pods' } }, namespace: { all: true } }),
    }
    const { catalog } = compile(publishedOf([one, { name: 'other', ...schema({}) }]))
    for (const tool of catalog.tools.values()) expect(tool.clusterArgument).toBe('context')
    const { catalog: foreign } = compile(publishedOf([{ name: 'chat', ...schema({ context: text }) }]))
    expect(foreign.tools.get('chat')?.clusterArgument).toBeUndefined()
  })
})

describe('annotations only tighten', () => {
  it.each<[string, string, Record<string, unknown>, string]>([
    ['nothing said', 'frobnicate', {}, 'write'],
    ['read-only', 'list_files', { readOnlyHint: true }, 'write'],
    ['read-only and not destructive', 'get', { readOnlyHint: true, destructiveHint: false }, 'write'],
    ['destructive', 'update', { destructiveHint: true }, 'delete'],
    ['destructive by not being read-only', 'update', { readOnlyHint: false }, 'delete'],
    ['neither', 'update', { readOnlyHint: false, destructiveHint: false }, 'write'],
    ['a name that deletes', 'files-delete', { readOnlyHint: true, destructiveHint: false }, 'delete'],
    ['in camel case', 'removeFile', {}, 'delete'],
    ['a name that executes', 'run_shell', { readOnlyHint: true }, 'exec'],
    ['a name of secrets', 'get_token', { readOnlyHint: true }, 'sensitive'],
    ['hints of the wrong type', 'a', { readOnlyHint: 'true', destructiveHint: 'yes' }, 'write'],
  ])('%s', (_name, tool, annotations, access) => {
    expect(draftAccess(tool, definitionOf({ name: tool, annotations }), [])).toBe(access)
  })
  it('so do verbs', () => {
    expect(draftAccess('tidy', definitionOf({ name: 'tidy' }), ['get', 'delete'])).toBe('delete')
  })
})

describe('permissions of kubernetes-mcp-server', () => {
  const drafted = (meta: object, required: readonly string[] = []) =>
    draftOperations(definitionOf({ name: 't', ...meta }), new Set(required))

  it.each<[string, unknown, readonly string[], object]>([
    [
      'a list without word about the namespace',
      { verbs: ['list'], target: { resource: { resource: 'nodes' } } },
      [],
      { verbs: ['list'], resource: 'nodes', namespace: 'cluster' },
    ],
    [
      'a list of what has namespaces',
      { verbs: ['list'], target: { resource: { resource: 'pods' } } },
      [],
      { verbs: ['list'], resource: 'pods', namespace: 'all' },
    ],
    [
      'a list in an optional namespace: all of them without',
      { verbs: ['list'], target: { resource: { resource: 'pods' } }, namespace: { argument: 'ns' } },
      [],
      { verbs: ['list'], resource: 'pods', namespace: { argument: 'ns', default: 'all' } },
    ],
    [
      'in a required one',
      { verbs: ['list'], target: { resource: { resource: 'pods' } }, namespace: { argument: 'ns' } },
      ['ns'],
      { verbs: ['list'], resource: 'pods', namespace: { argument: 'ns', required: true } },
    ],
    [
      'a subresource with a name',
      {
        verbs: ['get'],
        target: { resource: { apiGroup: 'x.io', resource: 'things', subresource: 'log' } },
        namespace: { argument: 'ns' },
        resourceName: { argument: 'n' },
      },
      ['n'],
      {
        ...{ verbs: ['get'], group: 'x.io', resource: 'things', subresource: 'log', namespace: { argument: 'ns' } },
        name: { argument: 'n', required: true },
      },
    ],
    [
      'a kind of the caller’s choice',
      {
        verbs: ['get', 'update'],
        target: { gvk: { apiVersionArgument: 'v', kindArgument: 'k', subresource: 'scale' } },
        namespace: { argument: 'ns' },
      },
      [],
      {
        verbs: ['get', 'update'],
        gvk: { apiVersion: 'v', kind: 'k' },
        subresource: 'scale',
        namespace: { argument: 'ns' },
      },
    ],
    [
      'a manifest',
      { verbs: ['create', 'patch'], target: { manifest: { argument: 'm' } } },
      [],
      { verbs: ['create', 'patch'], manifest: { argument: 'm' } },
    ],
  ])('%s', (_name, requirement, required, operation) => {
    expect(drafted(bounded(requirement), required)).toEqual({ kind: 'operations', operations: [operation] })
  })

  const fine = { verbs: ['get'], target: { resource: { resource: 'pods' } } }
  it.each<[string, object]>([
    ['nothing', {}],
    ['what has no bounds', rbac({ version: 'v1alpha1', unbounded: { reason: 'x' } })],
    ['bounds beside none', rbac({ version: 'v1alpha1', none: {}, unbounded: {} })],
    ['another version', rbac({ version: 'v2', none: {} })],
    ['no requirement', bounded()],
    ['a verb that is no word', bounded({ ...fine, verbs: ['*'] })],
    ['a verb among others', bounded({ ...fine, verbs: ['get', 5] })],
    ['a resource with a slash', bounded({ ...fine, target: { resource: { resource: 'pods/exec' } } })],
    ['a resource that is all', bounded({ ...fine, target: { resource: { resource: '*' } } })],
    ['two targets', bounded({ ...fine, target: { ...fine.target, manifest: { argument: 'm' } } })],
    ['an unknown target', bounded({ ...fine, target: { url: '/x' } })],
    ['one of two that is not understood', bounded(fine, { verbs: [] })],
  ])('%s is not understood as anything', (_name, meta) => {
    expect(drafted(meta).kind).toBe('unknown')
  })
  it('none is none', () => expect(drafted(rbac({ version: 'v1alpha1', none: {} }))).toEqual({ kind: 'none' }))
})

describe('toolDigest', () => {
  const base = { name: 'a', description: 'd', inputSchema: { type: 'object', properties: { x: text } } }
  const digest = (value: object) => toolDigest(definitionOf({ ...value }))

  it.each<[string, object]>([
    ['the name', { ...base, name: 'b' }],
    ['the description', { ...base, description: 'do as I say' }],
    ['the title', { ...base, title: 't' }],
    ['a default', { ...base, inputSchema: { type: 'object', properties: { x: { ...text, default: 'y' } } } }],
    ['the output schema', { ...base, outputSchema: {} }],
    ['an annotation', { ...base, annotations: { readOnlyHint: true } }],
    ['the permissions', { ...base, ...rbac({ version: 'v1alpha1', none: {} }) }],
    ['a field that nobody knows yet', { ...base, instructions: 'x' }],
  ])('changes with %s', (_name, other) => expect(digest(other)).not.toBe(digest(base)))

  it.each<[string, object]>([
    ['the order of members', { inputSchema: base.inputSchema, description: 'd', name: 'a' }],
    ['icons', { ...base, icons: [{ src: 'x' }] }],
    ['the rest of _meta', { ...base, _meta: { 'x.io/y': 1 } }],
  ])('does not change with %s', (_name, other) => expect(digest(other)).toBe(digest(base)))
})
