import { describe, expect, it } from 'vitest'
import { exposeMetrics, prefersOpenMetrics } from './expose-metrics.js'

const prometheus2 =
  'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2'
const prometheus3 =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2'

describe('OpenMetrics is what', () => {
  it.each([
    ['Prometheus 2 wants', prometheus2],
    ['Prometheus 3 wants', prometheus3],
    ['is wanted without a version', 'application/openmetrics-text'],
    ['is wanted in other letters', 'Application/OpenMetrics-Text; Version=1.0.0; Q=1'],
    ['is liked as well as text', 'text/plain, application/openmetrics-text'],
  ])('%s', (_name, accept) => expect(prefersOpenMetrics(accept)).toBe(true))
})

describe('the text format is what', () => {
  it.each([
    ['who says nothing gets', undefined],
    ['curl gets', '*/*'],
    ['browsers get', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
    ['is liked better', 'text/plain;version=0.0.4;q=0.9,application/openmetrics-text;q=0.5'],
    ['who wants another version gets', 'application/openmetrics-text;version=0.0.1'],
    ['who refuses the other gets', 'application/openmetrics-text;q=0'],
    ['who writes a weight that is none gets', 'application/openmetrics-text;q=high'],
    ['who names another type gets', 'application/openmetrics-text+json'],
    ['who sends too much gets', `application/openmetrics-text${' '.repeat(1024)}`],
    ['who sends nothing but signs gets', ',;,=;;q=,'],
  ])('%s', (_name, accept) => expect(prefersOpenMetrics(accept)).toBe(false))
})

describe('exposeMetrics', () => {
  const text = { contentType: 'text/plain; version=0.0.4', text: async () => 'a 1\n' }

  it('has both formats', async () => {
    const metrics = { ...text, collect: async () => [{ name: 'a', help: 'h', type: 'gauge', values: [] }] }
    expect(await exposeMetrics(metrics, undefined)).toEqual({ contentType: text.contentType, body: 'a 1\n' })
    expect(await exposeMetrics(metrics, prometheus3)).toEqual({
      contentType: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
      body: '# HELP a h\n# TYPE a gauge\n# EOF\n',
    })
  })

  it('has one where the values are not to be had', async () =>
    expect((await exposeMetrics(text, prometheus3)).contentType).toBe(text.contentType))
})
