/** One rule of the comparison; each is what people write about calls of tools. */
export interface CelRule {
  /** As in the table: what it is made of. */
  readonly kind: CelRuleKind
  readonly source: string
}

/**
 * `compare`: a look into a list and a comparison of numbers. `groups`: `exists` over twenty groups, the last of which
 * decides. `prefix`: `startsWith`. `walk`: `all`, `map` and `filter` over twenty labels and ten containers. `pattern`:
 * a regular expression.
 */
export type CelRuleKind = 'compare' | 'groups' | 'prefix' | 'walk' | 'pattern'

const rules: Readonly<Record<CelRuleKind, readonly string[]>> = {
  compare: [
    'request.tool.name in ["resources_scale", "resources_create", "pods_run"] && request.args.replicas <= 5',
    'request.args.replicas >= 0 && request.args.replicas <= 100',
    'request.tool.name in ["resources_get", "resources_list"] || request.args.kind in ["Deployment", "StatefulSet"]',
    'request.args.namespace != "kube-system" && request.args.namespace != "default"',
    'request.args.timeoutSeconds <= 300 || request.tool.access == "admin"',
    'request.args.apiVersion == "apps/v1" || request.args.apiVersion == "v1"',
    'jwt.tenant == request.args.tenant',
    '!(request.tool.access in ["delete", "exec"])',
    'request.args.priority < 1000 ? true : jwt.level >= 3',
    'has(jwt.email) && jwt.email_verified',
    'size(request.args.containers) <= 16',
  ],
  groups: [
    'jwt.groups.exists(g, g == "admin")',
    'jwt.groups.exists(g, g == "admin") || request.tool.access == "read"',
    'request.tool.access != "write" || jwt.groups.exists(g, g in ["operators", "admin"])',
    '!jwt.groups.exists(g, g == "suspended")',
    'jwt.groups.all(g, g != "contractors")',
  ],
  prefix: [
    'request.args.namespace.startsWith("team-")',
    '!request.args.namespace.startsWith("kube-")',
    'request.tool.name.startsWith("resources_")',
    'request.args.name.endsWith("-api") || request.args.name.contains("checkout")',
    'jwt.iss.startsWith("https://idp.example.com/")',
    'request.path.startsWith("/mcp")',
    'jwt.sub.startsWith("user:") && !jwt.sub.endsWith(":robot")',
    'request.tool.name.startsWith("resources_") && request.args.namespace.startsWith("team-")',
  ],
  walk: [
    'request.args.labels.all(k, k.startsWith("app.example.com/")) && request.args.containers.map(c, c.image).filter(i, i.startsWith("registry.example.com/")).size() == 10',
    'request.args.containers.filter(c, c.cpu > 2).size() == 0 && request.args.containers.all(c, !c.privileged)',
  ],
  pattern: [
    'request.args.name.matches("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")',
    'request.args.namespace.matches("^team-[a-z]+$")',
    'jwt.sub.matches("^user:[0-9a-f]+$")',
    'request.args.containers[0].image.matches("^registry[.]example[.]com/")',
  ],
}

const kinds: readonly CelRuleKind[] = ['compare', 'groups', 'prefix', 'walk', 'pattern']

/** Thirty rules as one server may have them: all hold for {@link callOf}. */
export const celRules: readonly CelRule[] = kinds.flatMap(kind => rules[kind].map(source => ({ kind, source })))

/** The variables of a call as JSON, about 3 KiB; `seed` tells calls apart. */
export function callOf(seed: number): { readonly request: unknown; readonly jwt: unknown } {
  return {
    request: {
      path: '/mcp',
      tool: { name: 'resources_scale', access: 'write' },
      args: {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        namespace: 'team-a',
        name: `checkout-${seed}`,
        tenant: 'acme',
        replicas: (seed % 5) + 1,
        timeoutSeconds: 30,
        priority: 100,
        labels: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`app.example.com/label-${i}`, `value-${i}`])),
        containers: Array.from({ length: 10 }, (_, i) => ({
          name: `container-${i}`,
          image: `registry.example.com/shop/service-${i}:1.${seed % 100}`,
          cpu: i % 3,
          privileged: false,
          args: ['--verbose', `--port=${8080 + i}`],
        })),
      },
    },
    jwt: {
      iss: 'https://idp.example.com/realms/acme',
      sub: `user:${(seed + 4096).toString(16)}`,
      tenant: 'acme',
      level: 2,
      email: 'jane@example.com',
      email_verified: true,
      groups: [...Array.from({ length: 19 }, (_, i) => `group-${i}`), 'admin'],
    },
  }
}
