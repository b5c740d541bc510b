import { describe, expect, it } from 'vitest'
import { readTracingSettings } from './tracing-settings.js'

const on = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }

describe('tracing is off', () => {
  it.each<[string, Record<string, string>]>([
    ['nothing is set', {}],
    ['only a name is set', { OTEL_SERVICE_NAME: 'authz' }],
    ['variables are empty', { OTEL_EXPORTER_OTLP_ENDPOINT: '  ', OTEL_TRACES_EXPORTER: '' }],
    ['the SDK is disabled', { ...on, OTEL_SDK_DISABLED: 'TRUE' }],
    ['there is no exporter', { ...on, OTEL_TRACES_EXPORTER: 'none' }],
    ['there is an exporter and none', { ...on, OTEL_TRACES_EXPORTER: 'otlp,none' }],
  ])('where %s', (_name, env) => {
    expect(readTracingSettings(env)).toEqual({ settings: undefined, problems: [] })
  })

  it.each<[string, Record<string, string>, string]>([
    ['another exporter', { ...on, OTEL_TRACES_EXPORTER: 'zipkin' }, 'OTEL_TRACES_EXPORTER: zipkin is not offered'],
    ['an endpoint that is none', { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }, 'is not an http or https URL'],
    [
      'a file',
      { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'file:///etc/passwd' },
      'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is not',
    ],
  ])('with a word where there is %s', (_name, env, problem) => {
    const { settings, problems } = readTracingSettings(env)
    expect(settings).toBeUndefined()
    expect(problems).toEqual([expect.stringContaining(problem)])
  })
})

describe('the endpoint', () => {
  it.each<[string, Record<string, string>, string]>([
    ['for all signals', on, 'http://collector:4318/v1/traces'],
    ['for all signals, with a path', { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c/otlp/' }, 'https://c/otlp/v1/traces'],
    ['for traces', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:1/x' }, 'http://c:1/x'],
    ['for both', { ...on, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:1/x' }, 'http://c:1/x'],
    ['by default', { OTEL_TRACES_EXPORTER: 'otlp' }, 'http://localhost:4318/v1/traces'],
  ])('%s', (_name, env, url) => {
    expect(readTracingSettings(env)).toMatchObject({ settings: { url }, problems: [] })
  })
})

describe('settings', () => {
  it('have the defaults of the specification', () => {
    expect(readTracingSettings(on).settings).toEqual({
      url: 'http://collector:4318/v1/traces',
      headers: {},
      timeoutMs: 10_000,
      compression: 'none',
      tls: {},
      sampler: { parentBased: true, ratio: 1 },
      resource: {},
      queue: { maxSpans: 2048, batchSpans: 512, delayMs: 5000, exportMs: 30_000 },
    })
  })

  it('are read', () => {
    const { settings, problems } = readTracingSettings({
      ...on,
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20abc, x-tenant=a',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-tenant=b',
      OTEL_EXPORTER_OTLP_TIMEOUT: '500',
      OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '700',
      OTEL_EXPORTER_OTLP_CERTIFICATE: '/ca.pem',
      OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY: '/key.pem',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=prod,service.name=other,k8s.pod.name=a%3Db',
      OTEL_SERVICE_NAME: 'authz',
      OTEL_BSP_MAX_QUEUE_SIZE: '100',
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '50',
      OTEL_BSP_SCHEDULE_DELAY: '10',
      OTEL_BSP_EXPORT_TIMEOUT: '20',
    })
    expect(problems).toEqual([])
    expect(settings).toMatchObject({
      headers: { authorization: 'Bearer abc', 'x-tenant': 'b' },
      timeoutMs: 700,
      tls: { ca: '/ca.pem', key: '/key.pem' },
      resource: { 'deployment.environment.name': 'prod', 'service.name': 'authz', 'k8s.pod.name': 'a=b' },
      queue: { maxSpans: 100, batchSpans: 50, delayMs: 10, exportMs: 20 },
    })
  })

  it.each<[string, Record<string, string>, boolean, number]>([
    ['always_on', {}, false, 1],
    ['always_off', {}, false, 0],
    ['parentbased_always_off', {}, true, 0],
    ['traceidratio', { OTEL_TRACES_SAMPLER_ARG: '0.25' }, false, 0.25],
    ['parentbased_traceidratio', { OTEL_TRACES_SAMPLER_ARG: '0' }, true, 0],
    ['parentbased_traceidratio', {}, true, 1],
  ])('sample as %s %o', (name, arg, parentBased, ratio) => {
    const { settings, problems } = readTracingSettings({ ...on, OTEL_TRACES_SAMPLER: name, ...arg })
    expect(settings?.sampler).toEqual({ parentBased, ratio })
    expect(problems).toEqual([])
  })

  it.each<[Record<string, string>, string]>([
    [{ OTEL_TRACES_SAMPLER: 'xray' }, 'OTEL_TRACES_SAMPLER: xray is not offered'],
    [
      { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '2' },
      'OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1; 1 is used',
    ],
    [{ OTEL_BSP_MAX_QUEUE_SIZE: '-1' }, 'OTEL_BSP_MAX_QUEUE_SIZE must be a number'],
    [{ OTEL_BSP_SCHEDULE_DELAY: '1e99' }, 'OTEL_BSP_SCHEDULE_DELAY must be a number'],
    [{ OTEL_EXPORTER_OTLP_TIMEOUT: 'soon' }, 'OTEL_EXPORTER_OTLP_TIMEOUT must be a number'],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'OTEL_EXPORTER_OTLP_PROTOCOL: grpc is not offered'],
    [{ OTEL_EXPORTER_OTLP_COMPRESSION: 'zstd' }, 'OTEL_EXPORTER_OTLP_COMPRESSION: zstd is not offered'],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'a=b,secret-without-name' }, 'OTEL_EXPORTER_OTLP_HEADERS: entry 2 is not'],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'a=x%0d%0aevil: 1' }, 'OTEL_EXPORTER_OTLP_HEADERS: entry 1 is not'],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'a=%' }, 'OTEL_EXPORTER_OTLP_HEADERS: entry 1 is not'],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'na me=secret' }, 'OTEL_EXPORTER_OTLP_HEADERS: entry 1 is not'],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'a=secr€t' }, 'OTEL_EXPORTER_OTLP_HEADERS: entry 1 is not'],
    [{ OTEL_RESOURCE_ATTRIBUTES: '=x' }, 'OTEL_RESOURCE_ATTRIBUTES: entry 1 is not'],
  ])('pass over what is wrong in %o, and say so', (env, problem) => {
    const { settings, problems } = readTracingSettings({ ...on, ...env })
    expect(problems).toEqual([expect.stringContaining(problem)])
    expect(problems.join()).not.toContain('secr')
    expect(settings).toMatchObject({ sampler: { ratio: 1 }, timeoutMs: 10_000, headers: {}, resource: {} })
  })
})
