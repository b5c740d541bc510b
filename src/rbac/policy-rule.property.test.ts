import fc from 'fast-check'
import { expect, it } from 'vitest'
import { compileRule } from './policy-rule.js'

const part = fc.constantFrom('', '*', 'pods', 'scale', 'pods/scale', 'a/b')
const entry = fc.oneof(
  part,
  fc.tuple(part, part).map(parts => parts.join('/')),
)

/** pkg/apis/rbac/v1/evaluation_helpers.go, ResourceMatches: the request as one text against each entry. */
function matches(entries: readonly string[], resource: string, subresource: string): boolean {
  const whole = subresource === '' ? resource : `${resource}/${subresource}`
  return entries.some(one => one === '*' || one === whole || (subresource !== '' && one === `*/${subresource}`))
}

it('covers a resource and its subresource as a comparison of whole texts does', () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 4 }), part, part, (resources, resource, subresource) => {
      const rule = compileRule({ verbs: ['get'], apiGroups: [''], resources, resourceNames: [], nonResourceURLs: [] })
      const asked = { verb: 'get', group: '', resource, subresource, namespace: 'dev', name: '' }
      expect(rule.allows(asked)).toBe(matches(resources, resource, subresource))
    }),
    { numRuns: 2_000 },
  )
})
