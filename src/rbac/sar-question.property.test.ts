import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { UserInfo } from '../identity/principal.js'
import type { AccessAttributes, SelectorRequirement, UrlAttributes } from './operation.js'
import { resourceKey, resourceSpec, type SarSpec, sarBody, urlKey, urlSpec } from './sar-question.js'
import { sarUser } from './sar-user.js'

// Few characters, among them those that keys are put together with, so that texts often look like parts of others.
const text = fc.string({ unit: fc.constantFrom('a', '1', ',', ':', ';', 'R', 'S', '#', ''), maxLength: 4 })
const texts = fc.array(text, { maxLength: 3 })
const requirement: fc.Arbitrary<SelectorRequirement> = fc.record({
  key: text,
  operator: fc.constantFrom('In', 'NotIn', 'Exists', 'DoesNotExist'),
  values: texts,
})
const selector = fc.array(requirement, { maxLength: 2 })
const anyUser: fc.Arbitrary<UserInfo> = fc.record({
  username: text.map(name => `u${name}`),
  uid: text,
  groups: texts,
  extra: fc
    .uniqueArray(fc.tuple(text, texts), { maxLength: 2, selector: ([key]) => key.toLowerCase() })
    .map(entries => new Map(entries)),
})
const anyAttributes: fc.Arbitrary<AccessAttributes> = fc.record({
  verb: text,
  group: text,
  resource: text,
  subresource: text,
  namespace: text,
  name: text,
  fieldSelector: selector,
  labelSelector: selector,
})
const anyUrl: fc.Arbitrary<UrlAttributes> = fc.record({ verb: text, path: text })
const anyQuestion = fc.tuple(anyUser, fc.oneof(anyAttributes, anyUrl))

function keyed([who, what]: readonly [UserInfo, AccessAttributes | UrlAttributes]): { key: string; spec: SarSpec } {
  const { key, fields } = sarUser(who)
  return 'path' in what
    ? { key: key + urlKey(what), spec: urlSpec(fields, what) }
    : { key: key + resourceKey(what), spec: resourceSpec(fields, what) }
}

/** Members of `extra` have no order. */
function sorted({ extra, ...rest }: SarSpec): string {
  return sarBody({ ...rest, extra: Object.fromEntries(Object.entries(extra ?? {}).sort()) })
}

it('gives two questions one key exactly if they are the same', () => {
  fc.assert(
    fc.property(anyQuestion, anyQuestion, fc.boolean(), (left, right, same) => {
      const [a, b] = [keyed(left), keyed(same ? [structuredClone(left[0]), { ...left[1] }] : right)]
      expect(a.key === b.key).toBe(sorted(a.spec) === sorted(b.spec))
    }),
    { numRuns: 5000 },
  )
})

it('tells a change of one thing', () => {
  const change = fc.constantFrom(
    'username',
    'uid',
    'groups',
    'verb',
    'group',
    'resource',
    'subresource',
    'namespace',
    'name',
  )
  fc.assert(
    fc.property(anyUser, anyAttributes, change, text, (who, what, field, value) => {
      const changedUser =
        field in who ? { ...who, [field]: field === 'groups' ? [...who.groups, value] : `u${value}` } : who
      const changedWhat = field in what ? { ...what, [field]: value } : what
      const [a, b] = [keyed([who, what]), keyed([changedUser, changedWhat])]
      expect(a.key === b.key).toBe(sorted(a.spec) === sorted(b.spec))
    }),
    { numRuns: 5000 },
  )
})
