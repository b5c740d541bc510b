import * as z from 'zod'
import { configDocument } from './config-document.js'

/** JSON Schema (2020-12) of the Config document, for editors and for documentation. */
export function configJsonSchema(): Record<string, unknown> {
  return { title: 'mcp-authz Config', ...z.toJSONSchema(configDocument, { io: 'input', unrepresentable: 'throw' }) }
}
