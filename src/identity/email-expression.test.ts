import { describe, expect, it } from 'vitest'
import { readsEmail, readsEmailVerified } from './email-expression.js'

describe('an expression that may read claims.email', () => {
  it.each([
    'claims.email',
    'claims.?email.orValue("")',
    'has(claims.email) ? claims.sub : ""',
    "claims['email']",
    'claims[?"email"].orValue("")',
    '.claims.email',
    'claims.`email`',
    // The same name in other letters.
    'claims["em\\x61il"]',
    'claims["\\u0065mail"]',
    "claims['''email''']",
    'claims[r"email"]',
    'claims["\\145mail"]',
    // Computed.
    'claims["em" + "ail"]',
    'claims[claims.kind]',
    'claims["EMAIL".lowerAscii()]',
    'cel.bind(k, "e" + "mail", claims[k])',
    'claims.map(k, string(claims[k])).join("")',
    'claims.transformList(k, v, string(v)).join("")',
    'cel.bind(c, claims, c.sub)',
    'optional.of(claims).value().email',
    'dyn(claims).email',
    '[claims][0].sub',
    '["sub", "email"].map(k, string(claims[k]))[1]',
    'true ? claims["email"] : ""',
    // Some other e-mail: a check asked for in vain does no harm.
    'claims.profile.email',
    // What does not compile is refused elsewhere.
    'claims.',
    'claims[claims.email.',
  ])('%s', source => {
    expect(readsEmail(source)).toBe(true)
  })

  it.each([
    '',
    'claims.sub',
    'claims["sub"]',
    'claims.sub + "@example.com"',
    '"name" in claims ? claims.name : claims.sub',
    'claims.?nickname.orValue(claims.sub)',
    'claims.emails[0]',
    'claims.email_verified ? claims.sub : ""',
    'claims.sub // not the email',
    'claims.groups.map(g, g + claims.sub)[0]',
    'claims[?"nickname"].orValue("email: none")',
  ])('is not %s', source => {
    expect(readsEmail(source)).toBe(false)
  })
})

describe('an expression that reads claims.email_verified', () => {
  it.each([
    'claims.email_verified',
    'claims.?email_verified.orValue(false)',
    'claims["email_verified"] == true',
    'claims[?"email_verified"].orValue(false)',
    'claims["email\\x5fverified"] == true',
    'claims.`email_verified` == true',
    '.claims.email_verified',
    '!has(claims.email_verified) || claims.email_verified == true',
    '[true].all(x, claims.email_verified == x)',
    'claims.email_verified ? claims.email : claims.sub',
  ])('%s', source => {
    expect(readsEmailVerified(source)).toBe(true)
  })

  it.each([
    ['in a comment', 'claims.email // claims.email_verified'],
    ['in a text', 'claims.email + "claims.email_verified"'],
    ['in a text of three quotes', 'claims.email + """claims.email_verified"""'],
    ['in a raw text with an escaped quote', "claims.email + r'\\' + 'claims.email_verified'"],
    ['of something else', 'claims.profile.email_verified == true'],
    ['of a local variable of that name', '[{"email_verified": true}].all(claims, claims.email_verified)'],
    ['bound to that name', 'cel.bind(claims, {"email_verified": true}, claims.email_verified)'],
    ['of a map written out', '{"email_verified": true}.email_verified'],
    ['another name', 'claims.email_verified2 == true'],
    ['computed', 'claims["email_" + "verified"] == true'],
    ['not compiling', 'claims.email_verified +'],
    ['with an undeclared variable', 'user.claims.email_verified'],
    ['nothing', ''],
  ])('is none where it stands %s', (_, source) => {
    expect(readsEmailVerified(source)).toBe(false)
  })
})
