import { describe, expect, it } from 'vitest'
import { everyMetric } from '../../test/support/every-metric.js'
import { type ExposedMetric, writeOpenMetrics } from './open-metrics.js'

const one = (metric: Partial<ExposedMetric>): string =>
  writeOpenMetrics([{ name: 'a', help: 'h', type: 'gauge', values: [], ...metric }])
const exemplar = { labelSet: { decision_id: 'd' }, value: 0.5, timestamp: 1.5 }

describe('writeOpenMetrics', () => {
  it.each<[string, Partial<ExposedMetric>, string]>([
    ['nothing', {}, '# HELP a h\n# TYPE a gauge\n# EOF\n'],
    ['a gauge', { values: [{ value: 1.5, labels: {} }] }, '# HELP a h\n# TYPE a gauge\na 1.5\n# EOF\n'],
    [
      'a counter, whose family has no suffix',
      { name: 'a_total', type: 'counter', values: [{ value: 3, labels: { b: 'c' } }] },
      '# HELP a h\n# TYPE a counter\na_total{b="c"} 3\n# EOF\n',
    ],
    [
      'a counter that was named without the suffix',
      { name: 'a', type: 'counter', values: [{ value: 3, labels: {} }] },
      '# HELP a h\n# TYPE a counter\na_total 3\n# EOF\n',
    ],
    [
      'bounds in their canonical form',
      {
        type: 'histogram',
        values: [
          { value: 1, labels: { le: 0.000_05, b: 'c' }, metricName: 'a_bucket' },
          { value: 1, labels: { le: 1, b: 'c' }, metricName: 'a_bucket' },
          { value: 1, labels: { le: '+Inf', b: 'c' }, metricName: 'a_bucket' },
          { value: 0.25, labels: { b: 'c' }, metricName: 'a_sum' },
          { value: 1, labels: { b: 'c' }, metricName: 'a_count' },
        ],
      },
      '# HELP a h\n# TYPE a histogram\na_bucket{le="0.00005",b="c"} 1\na_bucket{le="1.0",b="c"} 1\na_bucket{le="+Inf",b="c"} 1\na_sum{b="c"} 0.25\na_count{b="c"} 1\n# EOF\n',
    ],
    [
      'what is no number',
      {
        values: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map(value => ({ value, labels: {} })),
      },
      '# HELP a h\n# TYPE a gauge\na NaN\na +Inf\na -Inf\n# EOF\n',
    ],
    [
      'texts that would end what they stand in',
      { help: 'a "b"\n\\c', values: [{ value: 1, labels: { b: '"} 2\n# EOF\n\\' } }] },
      '# HELP a a \\"b\\"\\n\\\\c\n# TYPE a gauge\na{b="\\"} 2\\n# EOF\\n\\\\"} 1\n# EOF\n',
    ],
    [
      'labels that are not there',
      { values: [{ value: 1, labels: { b: undefined, c: 'd' } }] },
      '# HELP a h\n# TYPE a gauge\na{c="d"} 1\n# EOF\n',
    ],
    [
      'a type that nobody knows',
      { type: undefined, values: [{ value: 1, labels: {} }] },
      '# HELP a h\n# TYPE a unknown\na 1\n# EOF\n',
    ],
  ])('writes %s', (_name, metric, text) => expect(one(metric)).toBe(text))

  it.each<[string, Partial<ExposedMetric>, string]>([
    ['of a counter', { name: 'a_total', type: 'counter', values: [{ value: 3, labels: {}, exemplar }] }, 'a_total 3'],
    [
      'of a bucket',
      { type: 'histogram', values: [{ value: 3, labels: { le: 1 }, metricName: 'a_bucket', exemplar }] },
      'a_bucket{le="1.0"} 3',
    ],
  ])('writes the exemplar %s', (_name, metric, sample) =>
    expect(one(metric)).toContain(`\n${sample} # {decision_id="d"} 0.5 1.5\n`),
  )

  it.each<[string, Partial<ExposedMetric>]>([
    ['of a gauge', { values: [{ value: 3, labels: {}, exemplar }] }],
    ['of a sum', { type: 'histogram', values: [{ value: 3, labels: {}, metricName: 'a_sum', exemplar }] }],
    [
      'that is too long for the format',
      {
        ...{ name: 'a_total', type: 'counter' },
        values: [{ value: 3, labels: {}, exemplar: { ...exemplar, labelSet: { decision_id: 'd'.repeat(118) } } }],
      },
    ],
    ['that is not there', { name: 'a_total', type: 'counter', values: [{ value: 3, labels: {}, exemplar: null }] }],
  ])('leaves the exemplar out %s', (_name, metric) => expect(one(metric)).not.toContain(' # {'))

  it('says the same of everything that the program exports as the other format does', async () => {
    const metrics = everyMetric({ defaults: true })
    const samplesOf = (text: string) =>
      text
        .split('\n')
        .filter(line => line !== '' && !line.startsWith('#'))
        .map(line => line.replace(/ # \{.*$/, '').replaceAll(/le="(\d+)\.0"/g, 'le="$1"'))
        .filter(line => !/^(?:process|nodejs)_/.test(line))
    const samples = samplesOf(writeOpenMetrics(await metrics.collect()))
    expect(samples.length).toBeGreaterThan(100)
    expect(samples).toEqual(samplesOf(await metrics.text()))
  })
})
