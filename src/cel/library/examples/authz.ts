import { examples } from './function-example.js'

const check = 'kubernetes.authorization.ResourceCheck'

/** Under an authorizer that allows `get` and nothing else. */
export const authzExamples = examples([
  [
    'kubernetes.authorization.Authorizer.path(string) -> kubernetes.authorization.PathCheck',
    'A check about a path that is no resource.',
    "authorizer.path('/healthz').check('get').allowed()",
    'true',
  ],
  [
    'kubernetes.authorization.Authorizer.group(string) -> kubernetes.authorization.GroupCheck',
    "Begins a check about a resource of an API group; the core group is ''.",
    "authorizer.group('apps').resource('deployments').check('get').allowed()",
    'true',
  ],
  [
    'kubernetes.authorization.Authorizer.serviceAccount(string, string) -> kubernetes.authorization.Authorizer',
    'Asks about a ServiceAccount (namespace, name) instead of the caller.',
    "authorizer.serviceAccount('default', 'My Account')",
    'error',
  ],
  [
    `kubernetes.authorization.GroupCheck.resource(string) -> ${check}`,
    'A check about a resource, in all namespaces until one is named.',
    "authorizer.group('').resource(' ')",
    'error',
  ],
  [
    `${check}.subresource(string) -> ${check}`,
    'About a subresource.',
    "authorizer.group('').resource('pods').subresource('log').check('get').allowed()",
    'true',
  ],
  [
    `${check}.namespace(string) -> ${check}`,
    'In one namespace.',
    "authorizer.group('').resource('pods').namespace('default').check('delete').allowed()",
    'false',
  ],
  [
    `${check}.name(string) -> ${check}`,
    'About one object.',
    "authorizer.group('').resource('pods').name('web-0').check('get').allowed()",
    'true',
  ],
  [
    `${check}.fieldSelector(string) -> ${check}`,
    'About the objects that a field selector selects; one that does not parse is dropped.',
    "authorizer.group('').resource('pods').fieldSelector('spec.nodeName=a').check('list').allowed()",
    'false',
  ],
  [
    `${check}.labelSelector(string) -> ${check}`,
    'About the objects that a label selector selects; one that does not parse is dropped.',
    "authorizer.group('').resource('pods').labelSelector('app in (web, api)').check('list').allowed()",
    'false',
  ],
  [
    'kubernetes.authorization.PathCheck.check(string) -> kubernetes.authorization.Decision',
    'Asks, for an HTTP method in lower case. The dearest function: 35,000 units, in Kubernetes ten times as many.',
    "authorizer.path('/metrics').check('post').allowed()",
    'false',
  ],
  [
    `${check}.check(string) -> kubernetes.authorization.Decision`,
    'Asks, for a verb. The dearest function: 35,000 units, in Kubernetes ten times as many.',
    "authorizer.group('').resource('pods').check('get').allowed()",
    'true',
  ],
  [
    'kubernetes.authorization.Decision.allowed() -> bool',
    'Whether the answer was yes; no opinion is no.',
    "authorizer.path('/').check('put').allowed()",
    'false',
  ],
  [
    'kubernetes.authorization.Decision.reason() -> string',
    'Why, in the words of the authorizer.',
    "authorizer.path('/').check('put').reason()",
    "'get only'",
  ],
  [
    'kubernetes.authorization.Decision.errored() -> bool',
    'Whether the authorizer could not tell. That is no error of the expression.',
    "authorizer.path('/').check('fail').errored()",
    'true',
  ],
  [
    'kubernetes.authorization.Decision.error() -> string',
    'What it said then, else an empty text.',
    "authorizer.path('/').check('fail').error()",
    "'no answer'",
  ],
])
