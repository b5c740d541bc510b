interface LintText {
  /** What an author reads about it. */
  readonly says: string
  /** An expression that has it, and one that does not. */
  readonly bad: string
  readonly good: string
}

/** What lint finds. The codes are stable: never reuse one. Documentation shows this table, and a test lints its examples. */
export const lintCodes = {
  'unused-variable': {
    says: 'a variable of a macro that is never read; names that begin with `_` are exempt',
    bad: 'images.all(image, args.ok == 1)',
    good: "images.all(image, image.startsWith('registry.example.com/'))",
  },
  'always-true': {
    says: 'a condition that cannot be false',
    bad: "user.username != 'a' || user.username != 'b'",
    good: "user.username != 'a' && user.username != 'b'",
  },
  'always-false': {
    says: 'a condition that cannot be true',
    bad: 'args.count > 5 && args.count < 3',
    good: 'args.count > 3 && args.count < 5',
  },
  'duplicate-operand': {
    says: 'the same condition twice in one chain, or in both branches',
    bad: 'has(args.a) && has(args.a)',
    good: 'has(args.a) && has(args.b)',
  },
  'duplicate-key': {
    says: 'the same key twice in a map, which fails',
    bad: "{'a': 1, 'a': 2}[args.key] == 1",
    good: "{'a': 1, 'b': 2}[args.key] == 1",
  },
  'constant-index': {
    says: 'an index that is never there',
    bad: "args.list[-1] == 'a'",
    good: "args.list[size(args.list) - 1] == 'a'",
  },
  'disjoint-comparison': {
    says: 'a comparison of what is never equal, because the types differ',
    bad: "args.port == 80 || args.port == 'https'",
    good: 'args.port == 80 || args.port == 443',
  },
  'wrong-kind': {
    says: 'a list taken for a text, or a text for a list, which fails',
    bad: "user.groups.contains('sre')",
    good: "'sre' in user.groups",
  },
  'unknown-value': {
    says: 'a comparison with a value that is never there',
    bad: "mcp.tool.access == 'wirte'",
    good: "mcp.tool.access == 'write'",
  },
  'unknown-member': {
    says: 'a member that is never there',
    bad: "user.name == 'alice'",
    good: "user.username == 'alice'",
  },
  'scope-substring': {
    says: 'a test of a part of scopes, which takes `rewrite` for `write`',
    bad: "claims.scope.contains('write')",
    good: "'write' in scopes",
  },
  'open-host': {
    says: 'a test of the beginning or end of a host, which others have too: `example.com.evil.io`, `evilexample.com`',
    bad: "images.all(image, image.startsWith('registry.example.com'))",
    good: "images.all(image, image.startsWith('registry.example.com/'))",
  },
  'open-pattern': {
    says: 'a regular expression that holds one end of the text and forgets the other, or a host without its beginning',
    bad: "args.name.matches('^[a-z]+')",
    good: "args.name.matches('^[a-z]+$')",
  },
  'dot-in-pattern': {
    says: 'a dot of a host that a regular expression takes for any character',
    bad: "args.image.matches('^registry.example.com/')",
    good: "args.image.matches('^registry[.]example[.]com/')",
  },
  costly: {
    says: 'what costs more than the budget of an evaluation for a large input, mostly macros inside of macros: an error then',
    bad: 'args.list.all(a, args.list.all(b, args.list.exists(c, c == a + b)))',
    good: 'args.list.all(a, a > 0)',
  },
} as const satisfies Readonly<Record<string, LintText>>

export type LintCode = keyof typeof lintCodes
