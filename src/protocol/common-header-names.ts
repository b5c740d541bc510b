/**
 * Names of headers that requests have on an ordinary day, in lower case. What is true of a name can be found out for these
 * once. Nothing depends on a name being here, or on not being here.
 */
export const commonHeaderNames: readonly string[] = [
  ...['accept', 'accept-charset', 'accept-encoding', 'accept-language', 'access-control-request-headers'],
  ...['access-control-request-method', 'authorization', 'baggage', 'cache-control', 'connection', 'content-encoding'],
  ...['content-length', 'content-type', 'cookie', 'dnt', 'dpop', 'expect', 'forwarded', 'host', 'if-modified-since'],
  ...[
    'if-none-match',
    'keep-alive',
    'last-event-id',
    'mcp-method',
    'mcp-name',
    'mcp-protocol-version',
    'mcp-session-id',
  ],
  ...['origin', 'pragma', 'priority', 'proxy-authorization', 'referer', 'sec-ch-ua', 'sec-ch-ua-mobile'],
  ...[
    'sec-ch-ua-platform',
    'sec-fetch-dest',
    'sec-fetch-mode',
    'sec-fetch-site',
    'sec-fetch-user',
    'te',
    'traceparent',
  ],
  ...[
    'tracestate',
    'transfer-encoding',
    'upgrade',
    'upgrade-insecure-requests',
    'user-agent',
    'via',
    'x-b3-parentspanid',
  ],
  ...['x-b3-sampled', 'x-b3-spanid', 'x-b3-traceid', 'x-client-trace-id', 'x-envoy-attempt-count'],
  ...['x-envoy-auth-partial-body', 'x-envoy-decorator-operation', 'x-envoy-expected-rq-timeout-ms'],
  ...['x-envoy-external-address', 'x-envoy-internal', 'x-envoy-original-path', 'x-envoy-peer-metadata'],
  ...['x-envoy-peer-metadata-id', 'x-forwarded-client-cert', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-port'],
  ...['x-forwarded-proto', 'x-real-ip', 'x-request-id', 'x-requested-with'],
]
