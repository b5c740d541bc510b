// What objects and requests are made of. Values stand several times where they should come up more often; those named bad
// are what an API server refuses somewhere.
export const plainNames = ['r', 's', 't', 'u']
export const oddNames = [
  'Tools:Reader@x y',
  'ü',
  'a"b\\c',
  '\u0001\n\u007f',
  '\u00a0\u00ad\u200b',
  '\u{1f600}',
  '\ufffd',
  '\ue000',
  '*',
  '...',
  'n'.repeat(300),
]
export const badNames = ['', '.', '..', 'a/b', 'a%b']
export const namespaces = ['dev', 'dev', 'prod', 'n-1']
export const badNamespaces = ['', 'Dev', '-a', '*', '../dev', 'a.b', 'n'.repeat(64)]
export const userNames = [
  'alice',
  'alice',
  'bob',
  'ALICE',
  '*',
  'a"b\n',
  'system:masters',
  'system:serviceaccount:dev:bot',
  'system:serviceaccount:prod:bot.x',
  'system:serviceaccount::bot',
]
export const groupNames = ['ops', 'ops', 'dev', '*', 'system:authenticated', 'alice', 'ü\u{1f600}']
export const accountNames = ['bot', 'bot', 'bot.x', 'default']
export const badAccountNames = ['Bot', '*', 'a:b', '-x', 'n'.repeat(254), 'b.-c']
export const verbs = ['get', 'get', 'list', 'create', '*', 'GET', 'call me maybe', '']
export const groups = ['', '', 'apps', 'mcp-authz.dev', '*', 'APPS']
export const resources = [
  'pods',
  'pods',
  'pods/log',
  'pods/*',
  '*',
  '*/log',
  '*/*',
  'tools',
  'servers/tools',
  'nodes',
  '',
  '/',
  '/log',
]
export const names = ['a', 'b', '*', '', 'k.pods_list', 'a/b', 'ü']
export const urls = ['/healthz', '/api/*', '/api', '*', '/a***', '', '/a*b', '/apis/x*', '**', 'healthz']
export const paths = [
  '/healthz',
  '/api',
  '/api/v1',
  '/ab/c',
  '/a*b',
  '',
  '/',
  '*',
  '/a***',
  '/apis/xyz',
  'healthz',
  '/HEALTHZ',
]
export const labelKeys = ['x', 'y', 'example.com/aggregate', 'A.b_c-d']
export const badLabelKeys = ['', '-x', 'x/', '/x', 'a/b/c', 'Ex.com/y', 'k'.repeat(64), 'ü']
export const labelValues = ['true', 'true', '', 'A.b_c-1']
export const badLabelValues = ['-', 'a b', 'v'.repeat(64), 'ü', 'true\n']
