import { describe, expect, it } from 'vitest'
import { extraKeyProblem } from './extra-key.js'

describe('extraKeyProblem', () => {
  it.each([
    'example.org/foo',
    'a/b',
    'example.org/a/b',
    "x.y/-._~%!$&'()*+,;=:",
    'notk8s.io/a',
    'k8s.io.example.org/a',
  ])('%s is a key', key => {
    expect(extraKeyProblem(key)).toBeUndefined()
  })

  it.each([
    ['', 'a domain and a path'],
    ['foo', 'a domain and a path'],
    ['/foo', 'a domain and a path'],
    ['example.org/', 'a domain and a path'],
    ['example.org/Foo', 'lower-case'],
    ['Example.org/foo', 'lower-case'],
    ['example_org/foo', 'begin with a domain'],
    ['-a/foo', 'begin with a domain'],
    ['a..b/foo', 'begin with a domain'],
    [`${'a'.repeat(254)}/foo`, 'begin with a domain'],
    ['example.org/a b', 'characters'],
    ['example.org/a@b', 'characters'],
    ['example.org/ä', 'characters'],
    ['k8s.io/a', 'domain of Kubernetes'],
    ['kubernetes.io/a', 'domain of Kubernetes'],
    ['authentication.kubernetes.io/credential-id', 'domain of Kubernetes'],
    ['x.y.k8s.io/a', 'domain of Kubernetes'],
  ])('%j is none', (key, problem) => {
    expect(extraKeyProblem(key)).toContain(problem)
  })
})
