import { describe, expect, it } from 'vitest'
import { claimsOf, documentOf, identityYaml } from './identity.fixture.js'
import { readIdentityDocument } from './identity-document.js'
import { mapRoles } from './role-mapper.js'

const kagent = 'claims.groups.transformList(i, v, v in rolesMap, rolesMap[v])'
const either =
  'has(claims.Groups) ? claims.Groups.transformList(i, v, v in rolesMap, rolesMap[v]) : (has(claims.groups) ? claims.groups.transformList(i, v, v in rolesMap, rolesMap[v]) : [])'

function rolesOf(mapper: string, mappings: unknown, claims: Readonly<Record<string, unknown>>) {
  const spec = JSON.stringify({ roleMapper: mapper, ...(mappings !== undefined && { roleMappings: mappings }) })
  const { value, findings } = readIdentityDocument(documentOf(identityYaml(spec)))
  if (value?.roleMapper === undefined) throw new Error(`does not load: ${JSON.stringify(findings)}`)
  const mapped = mapRoles(value.roleMapper, claimsOf(claims))
  return mapped.ok ? mapped.groups : mapped.reason
}

const roles = { admins: 'global.Admin', readers: 'global.Reader' }

describe('mapRoles', () => {
  it.each([
    [
      'as kagent users write it',
      kagent,
      roles,
      { groups: ['admins', 'other', 'readers'] },
      ['global.Admin', 'global.Reader'],
    ],
    ['no group that is listed', kagent, roles, { groups: ['other'] }, []],
    ['twice the same role', kagent, { a: 'r', b: 'r' }, { groups: ['a', 'b'] }, ['r']],
    ['several roles for one group', kagent, { a: ['r', 's'], b: ['t'] }, { groups: ['a', 'b'] }, ['r', 's', 't']],
    ['both kinds', kagent, { a: ['r', 's'], b: 't' }, { groups: ['b', 'a'] }, ['t', 'r', 's']],
    ['a claim that the token does not have', kagent, roles, {}, []],
    ['a claim in other case', kagent.replace('groups', 'Groups'), roles, { groups: ['admins'] }, []],
    ['both spellings, the second', either, roles, { groups: ['admins'] }, ['global.Admin']],
    ['both spellings, neither', either, roles, {}, []],
    ['one text', 'claims.role in rolesMap ? rolesMap[claims.role] : ""', roles, { role: 'admins' }, ['global.Admin']],
    ['an empty text', 'claims.role in rolesMap ? rolesMap[claims.role] : ""', roles, { role: 'x' }, []],
    ['a constant', '["global.Admin"]', undefined, {}, ['global.Admin']],
    ['a comment at the end', '["a"] // everybody', undefined, {}, ['a']],
    ['a claim itself', 'claims.roles', undefined, { roles: ['a', ''] }, ['a']],
    ['null', 'claims.roles', undefined, { roles: null }, []],
    ['a claim that is a number', 'claims.roles', undefined, { roles: 1 }, 'identity.claims'],
    ['numbers', 'claims.roles', undefined, { roles: ['a', 1] }, 'identity.claims'],
    ['an object', 'claims.roles', undefined, { roles: { a: 'b' } }, 'identity.claims'],
    ['lists in lists in lists', 'claims.roles', undefined, { roles: [[['a']]] }, 'identity.claims'],
    ['groups that are a text', kagent, roles, { groups: 'admins' }, 'identity.claims'],
    ['groups with a number', 'claims.groups.map(g, rolesMap[g])', roles, { groups: [1] }, 'identity.claims'],
    ['a key that is not there', 'claims.groups.map(g, rolesMap[g])', roles, { groups: ['x'] }, 'identity.claims'],
    ['an error beside an absent claim', 'has(claims.a) ? [] : [rolesMap["x"]]', roles, { b: 1 }, []],
    ['an error that no claim would mend', '[rolesMap["x"]] + [string(claims.b)]', roles, { b: 1 }, 'identity.claims'],
    ['a member of an absent claim', 'claims.realm_access.roles', undefined, {}, []],
    ['an absent member of a claim', 'claims.realm_access.roles', undefined, { realm_access: {} }, 'identity.claims'],
    [
      'a reserved name from a claim',
      'claims.roles',
      undefined,
      { roles: ['a', 'system:masters'] },
      'identity.reserved_name',
    ],
    ['a reserved name that the document maps', kagent, { a: 'system:masters' }, { groups: ['a'] }, ['system:masters']],
    ['the same in a list', kagent, { a: ['r', 'system:masters'] }, { groups: ['a'] }, ['r', 'system:masters']],
    ['a reserved name that the mapper says', '["system:masters"]', undefined, {}, ['system:masters']],
    [
      'a reserved name from a claim that the document maps for others',
      'claims.groups + claims.groups.transformList(i, v, v in rolesMap, rolesMap[v])',
      { admins: 'system:masters' },
      { groups: ['system:masters'] },
      'identity.reserved_name',
    ],
    [
      'a reserved name that brings along how we would mark it',
      'claims.groups.filter(g, rolesMap.exists(k, rolesMap[k] == g))',
      { admins: 'system:masters' },
      { groups: ['system:masters', '\uE000system:masters\uE001'] },
      'identity.reserved_name',
    ],
    [
      'a reserved name by a format',
      '["system:%s".format([claims.a])]',
      undefined,
      { a: 'masters' },
      'identity.reserved_name',
    ],
    ['a reserved name put together', '["sys" + claims.a]', undefined, { a: 'tem:masters' }, 'identity.reserved_name'],
    [
      'more than there is room for',
      'claims.roles',
      undefined,
      { roles: Array.from({ length: 501 }, (_, i) => `r${i}`) },
      'identity.claims',
    ],
    ['one that is too long', 'claims.roles', undefined, { roles: ['x'.repeat(257)] }, 'identity.claims'],
  ] as const)('%s', (_, mapper, mappings, claims, expected) => {
    expect(rolesOf(mapper, mappings, claims)).toEqual(expected)
  })
})
