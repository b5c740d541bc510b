import { describe, expect, it } from 'vitest'
import type { AuthorizationRequest } from '../cel/authorizer-value.js'
import { parseFieldSelector } from '../cel/library/field-selector.js'
import { parseLabelSelector } from '../cel/library/label-selector.js'
import type { UserInfo } from '../identity/principal.js'
import type { Access, Authorizer } from '../rbac/authorizer.js'
import type { AccessAttributes } from '../rbac/operation.js'
import { AuthorizerQuestions, mostQuestions } from './authorizer-questions.js'

const alice: UserInfo = { username: 'alice', uid: 'u', groups: ['dev'], extra: new Map([['k', ['v']]]) }

const about = (more: Partial<Extract<AuthorizationRequest, { kind: 'resource' }>> = {}): AuthorizationRequest => ({
  kind: 'resource',
  user: 'caller',
  verb: 'get',
  group: '',
  resource: 'pods',
  subresource: '',
  namespace: '',
  name: '',
  fieldSelector: undefined,
  labelSelector: undefined,
  ...more,
})

/** Notes what it is asked. */
function noting(answer: () => Access | Promise<Access>) {
  const asked: { readonly user: UserInfo; readonly attributes: unknown }[] = []
  const ask = (user: UserInfo, attributes: unknown) => {
    asked.push({ user, attributes })
    return answer()
  }
  const authorizer: Authorizer = { authorize: ask, authorizeUrl: ask }
  return { asked, authorizer }
}

const yes: Access = { allowed: true, reason: 'because' }
const down: Access = { allowed: false, failed: 'dependency.api_server', reason: 'secret' }

describe('a question', () => {
  it('is answered now where the answer is known', () => {
    const { authorizer } = noting(() => yes)
    const host = new AuthorizerQuestions().of(authorizer, alice).host('deciding')
    expect(host.check(about())).toEqual({ allowed: true, reason: 'because', error: undefined })
  })

  it('is asked once, and its answer does not change', async () => {
    let next: Access = yes
    const { authorizer, asked } = noting(() => Promise.resolve(next))
    const questions = new AuthorizerQuestions()
    const inquiry = questions.of(authorizer, alice)
    expect(inquiry.host('deciding').check(about())).toBe('pending')
    next = { allowed: false, reason: '' }
    expect(questions.of(authorizer, alice).host('observing').check(about())).toBe('pending')
    await Promise.all(inquiry.underWay([about()]))
    expect(inquiry.host('observing').check(about())).toMatchObject({ allowed: true })
    expect(inquiry.underWay([about()])).toEqual([])
    expect(asked).toHaveLength(1)
  })

  it('is about the caller with all that is known of her, or about a ServiceAccount', () => {
    const { authorizer, asked } = noting(() => yes)
    const host = new AuthorizerQuestions().of(authorizer, alice).host('deciding')
    host.check(about())
    host.check({ kind: 'path', user: { name: 'system:serviceaccount:a:b', groups: ['g'] }, path: '/x', verb: 'get' })
    expect(asked).toEqual([
      {
        user: alice,
        attributes: { verb: 'get', group: '', resource: 'pods', subresource: '', namespace: '', name: '' },
      },
      {
        user: { username: 'system:serviceaccount:a:b', uid: '', groups: ['g'], extra: new Map() },
        attributes: { verb: 'get', path: '/x' },
      },
    ])
  })

  it('has no answer where the authorizer fails, now or later, and is not asked again', async () => {
    for (const answer of [down, Promise.resolve(down)]) {
      const { authorizer, asked } = noting(() => answer)
      const inquiry = new AuthorizerQuestions().of(authorizer, alice)
      inquiry.host('deciding').check(about())
      await Promise.all(inquiry.underWay([about()]))
      expect(inquiry.host('deciding').check(about())).toBe('pending')
      expect(inquiry.underWay([about()])).toEqual([])
      expect(inquiry.whyUnanswered([about({ verb: 'list' }), about()])).toEqual({ failed: 'dependency.api_server' })
      expect(asked).toHaveLength(1)
    }
  })

  it('is too late once time is up, whatever comes then', async () => {
    let answer: (access: Access) => void = () => undefined
    const { authorizer } = noting(() => new Promise(resolve => (answer = resolve)))
    const inquiry = new AuthorizerQuestions().of(authorizer, alice)
    inquiry.host('deciding').check(about())
    const flights = inquiry.underWay([about()])
    inquiry.expire()
    answer(yes)
    await Promise.all(flights)
    expect(inquiry.host('deciding').check(about())).toBe('pending')
    expect(inquiry.host('deciding').check(about({ verb: 'list' }))).toBe('pending')
    for (const verb of ['get', 'list']) {
      expect(inquiry.underWay([about({ verb })])).toEqual([])
      expect(inquiry.whyUnanswered([about({ verb })])).toEqual({ failed: 'dependency.timeout' })
    }
  })

  it('is one of so many, of each kind of rule', () => {
    const { authorizer, asked } = noting(() => yes)
    const questions = new AuthorizerQuestions()
    const host = questions.of(authorizer, alice).host('deciding')
    for (let i = 0; i < 2 * mostQuestions; i++) host.check(about({ name: `p${i}` }))
    expect(asked).toHaveLength(mostQuestions)
    expect(host.check(about({ name: 'p0' }))).toMatchObject({ allowed: true })
    expect(host.check(about({ name: 'other' }))).toBe('pending')
    expect(questions.of(authorizer, alice).whyUnanswered([about({ name: 'other' })])).toBe('limit')
    expect(
      questions
        .of(authorizer, alice)
        .host('observing')
        .check(about({ name: 'other' })),
    ).not.toBe('pending')
    // Another cluster has no more.
    const other = noting(() => yes)
    expect(questions.of(other.authorizer, alice).host('deciding').check(about())).toBe('pending')
  })
})

describe('what is no question', () => {
  it.each<[string, AuthorizationRequest]>([
    ['a "/" in a namespace', about({ namespace: 'a/b' })],
    ['a "/" in a resource', about({ resource: 'pods/log' })],
    ['a namespace that nothing has', about({ namespace: 'n'.repeat(300) })],
    ['half a character', about({ name: '\ud800' })],
    ['a path without end', { kind: 'path', user: 'caller', path: `/${'p'.repeat(10_000)}`, verb: 'get' }],
  ])('is not asked, and is not answered with no: %s', (_, request) => {
    const { authorizer, asked } = noting(() => yes)
    const inquiry = new AuthorizerQuestions().of(authorizer, alice)
    expect(inquiry.host('deciding').check(request)).toBe('pending')
    inquiry.expire()
    expect(inquiry.underWay([request])).toEqual([])
    expect(inquiry.whyUnanswered([request])).toMatchObject({ problem: expect.any(String) })
    expect(asked).toEqual([])
  })
})

describe('selectors', () => {
  function attributesOf(fields: string, labels: string): AccessAttributes {
    const { authorizer, asked } = noting(() => yes)
    const request = about({ fieldSelector: parseFieldSelector(fields), labelSelector: parseLabelSelector(labels) })
    new AuthorizerQuestions().of(authorizer, alice).host('deciding').check(request)
    return asked[0]?.attributes as AccessAttributes
  }

  it('are asked as a SubjectAccessReview has them', () => {
    expect(
      attributesOf('spec.nodeName=a,metadata.name!=b', 'app in (x, y),tier notin (z),a=b,c!=d,e,!f'),
    ).toMatchObject({
      fieldSelector: [
        { key: 'metadata.name', operator: 'NotIn', values: ['b'] },
        { key: 'spec.nodeName', operator: 'In', values: ['a'] },
      ],
      labelSelector: [
        { key: 'a', operator: 'In', values: ['b'] },
        { key: 'app', operator: 'In', values: ['x', 'y'] },
        { key: 'c', operator: 'NotIn', values: ['d'] },
        { key: 'e', operator: 'Exists', values: [] },
        { key: 'f', operator: 'DoesNotExist', values: [] },
        { key: 'tier', operator: 'NotIn', values: ['z'] },
      ],
    })
  })

  it('leave out what it cannot say, which asks about more', () => {
    expect(attributesOf('', 'a>1,b<2,c')).toMatchObject({
      labelSelector: [{ key: 'c', operator: 'Exists', values: [] }],
    })
  })
})
