import { type CST, Lexer, Parser } from 'yaml'

export type ParsedTokens =
  | { readonly ok: true; readonly tokens: readonly CST.Token[]; readonly lexemes: number }
  | { readonly ok: false; readonly limit: 'depth' | 'lexemes' }

/**
 * The concrete syntax of a YAML text, given up as soon as it nests deeper or has more lexemes than allowed: the parser
 * itself would first spend seconds on a megabyte of brackets.
 */
export function parseTokens(text: string, limits: { readonly depth: number; readonly lexemes: number }): ParsedTokens {
  const parser = new Parser()
  const tokens: CST.Token[] = []
  let lexemes = 0
  for (const lexeme of new Lexer().lex(text)) {
    if (++lexemes > limits.lexemes) return { ok: false, limit: 'lexemes' }
    for (const token of parser.next(lexeme)) tokens.push(token)
    if (parser.stack.length > limits.depth) return { ok: false, limit: 'depth' }
  }
  for (const token of parser.end()) tokens.push(token)
  return { ok: true, tokens, lexemes }
}
