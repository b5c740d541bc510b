import { examples } from './function-example.js'

export const urlExamples = examples([
  [
    'url(string) -> kubernetes.URL',
    'Reads an absolute URL or an absolute path; else an error.',
    "url('../relative')",
    'error',
  ],
  ['isURL(string) -> bool', 'Whether a text is one.', "isURL('https://user:pass@example.com:80/')", 'true'],
  ['kubernetes.URL.getScheme() -> string', 'In lower case.', "url('HTTPS://example.com').getScheme()", "'https'"],
  [
    'kubernetes.URL.getHost() -> string',
    'With the port.',
    "url('https://example.com:80/').getHost()",
    "'example.com:80'",
  ],
  [
    'kubernetes.URL.getHostname() -> string',
    'Without the port and without brackets, in the case that it was written in.',
    "url('https://[::1]:80/').getHostname()",
    "'::1'",
  ],
  ['kubernetes.URL.getPort() -> string', 'The port, or an empty text.', "url('https://example.com/').getPort()", "''"],
  [
    'kubernetes.URL.getEscapedPath() -> string',
    'The path, percent-encoded; dots and escapes are not resolved.',
    "url('https://example.com/path with spaces/').getEscapedPath()",
    "'/path%20with%20spaces/'",
  ],
  [
    'kubernetes.URL.getQuery() -> map(string, list(string))',
    'The values of each key, decoded; what is not well encoded is left out.',
    "url('/path?k1=a&k2=b&k2=c').getQuery()",
    "{'k1': ['a'], 'k2': ['b', 'c']}",
  ],
])
