import { describe, expect, it } from 'vitest'
import { SubjectAssigner, type SubjectChoice } from './assign-subjects.js'
import type { SeenCaller } from './observations.js'

function seen(callers: Readonly<Record<string, readonly string[]>>, choice?: SubjectChoice) {
  const all = Object.entries(callers).map(([name, groups], index): [string, SeenCaller] => {
    const [user = ''] = name.split('#')
    return [name, { index, kind: 'user', user, groups, agent: undefined, throughUnnamed: false }]
  })
  const assigner = new SubjectAssigner({ callers: new Map(all) }, choice)
  return (...names: readonly string[]) => {
    const { subjects, ambiguous } = assigner.assign(names.map(name => Object.keys(callers).indexOf(name)))
    return { named: subjects.map(({ kind, name }) => `${kind} ${name}`), ambiguous }
  }
}

const office = { ann: ['ops', 'all'], ben: ['ops', 'all'], cy: ['dev', 'all'], di: ['dev', 'all'], ed: ['all'] }

describe('whom a rule names', () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ['a group of which all did it', ['ann', 'ben'], ['Group ops']],
    ['nobody for whom it was not seen', ['ann'], ['User ann']],
    ['the larger group if all of it did', ['ann', 'ben', 'cy', 'di', 'ed'], ['Group all']],
    ['several groups', ['ann', 'ben', 'cy', 'di'], ['Group dev', 'Group ops']],
    ['a group and others', ['ann', 'ben', 'cy'], ['Group ops', 'User cy']],
  ])('%s', (_, did, named) => {
    expect(seen(office)(...did)).toEqual({ named, ambiguous: [] })
  })

  it('not a group of which one member was seen', () => {
    expect(seen({ ann: ['ops'] })('ann').named).toEqual(['User ann'])
    expect(seen({ 'ann#1': ['ops'], 'ann#2': ['ops', 'x'] })('ann#1', 'ann#2').named).toEqual(['User ann'])
  })

  it('none of several groups that look alike, unless policies name one', () => {
    const callers = { ann: ['ops', 'everybody'], ben: ['ops', 'everybody'] }
    expect(seen(callers)('ann', 'ben')).toEqual({ named: ['User ann', 'User ben'], ambiguous: [['everybody', 'ops']] })
    expect(seen(callers, { known: new Set(['ops']) })('ann', 'ben')).toEqual({ named: ['Group ops'], ambiguous: [] })
    expect(seen(callers, { known: new Set(['ops', 'everybody']) })('ann', 'ben').named).toEqual([
      'User ann',
      'User ben',
    ])
  })

  it('the groups that somebody wants named, and no others', () => {
    const named = (group: string) => group === 'dev'
    expect(seen(office, { named })('ann', 'ben', 'cy').named).toEqual(['Group dev', 'User ann', 'User ben'])
  })

  it('no group of the system', () => {
    const callers = { ann: ['system:authenticated'], ben: ['system:authenticated'] }
    expect(seen(callers)('ann', 'ben').named).toEqual(['User ann', 'User ben'])
    expect(seen({ 'system:serviceaccount:a:b': [] })('system:serviceaccount:a:b').named).toEqual(['ServiceAccount b'])
  })
})
