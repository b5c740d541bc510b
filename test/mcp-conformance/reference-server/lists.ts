/**
 * What the conformance scenarios look for, by name: each scenario describes in its `description` which tools, prompts and
 * resources a server must have. The first tool must work without arguments (scenario http-header-validation).
 */

interface ListedTool {
  readonly name: string
  readonly description: string
  readonly inputSchema: { readonly type: 'object'; readonly [keyword: string]: unknown }
}

const noArguments = { type: 'object', properties: {} } as const

function plain(name: string, description: string): ListedTool {
  return { name, description, inputSchema: noArguments }
}

function withText(name: string, argument: string, description: string): ListedTool {
  const inputSchema = { type: 'object', properties: { [argument]: { type: 'string' } }, required: [argument] } as const
  return { name, description, inputSchema }
}

/** Scenario json-schema-2020-12: keywords that a careless gateway would drop. */
const schemaTool: ListedTool = {
  name: 'json_schema_2020_12_tool',
  description: 'Has a schema with many keywords.',
  inputSchema: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    $defs: {
      address: {
        $anchor: 'addressDef',
        type: 'object',
        properties: { street: { type: 'string' }, city: { type: 'string' } },
      },
    },
    properties: {
      name: { type: 'string' },
      address: { $ref: '#/$defs/address' },
      contactMethod: { type: 'string', enum: ['phone', 'email'] },
      phone: { type: 'string' },
      email: { type: 'string' },
    },
    allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
    if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
    then: { required: ['phone'] },
    else: { required: ['email'] },
    additionalProperties: false,
  },
}

/** Scenario http-custom-header-server-validation. */
export const headerTool: ListedTool = {
  name: 'test_header_argument',
  description: 'Has an argument that a header repeats.',
  inputSchema: { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } },
}

export const commonTools: readonly ListedTool[] = [
  plain('test_simple_text', 'Answers with a text.'),
  plain('test_image_content', 'Answers with an image.'),
  plain('test_audio_content', 'Answers with a sound.'),
  plain('test_embedded_resource', 'Answers with a resource.'),
  plain('test_multiple_content_types', 'Answers with a text, an image and a resource.'),
  plain('test_error_handling', 'Fails, always.'),
  plain('test_tool_with_logging', 'Logs three messages.'),
  plain('test_tool_with_progress', 'Reports progress three times.'),
  schemaTool,
]

/** The server asks the client in the midst of a call, and closes its stream in the midst of another. */
export const legacyTools: readonly ListedTool[] = [
  ...commonTools,
  withText('test_sampling', 'prompt', 'Asks the model of the client.'),
  withText('test_elicitation', 'message', 'Asks the user.'),
  plain('test_elicitation_sep1034_defaults', 'Asks the user, with defaults.'),
  plain('test_elicitation_sep1330_enums', 'Asks the user to choose.'),
  plain('test_reconnection', 'Closes its stream before it answers.'),
]

/** 2026-07-28: answers that ask for more (MRTR), capabilities per request, headers for arguments. */
export const modernTools: readonly ListedTool[] = [
  ...commonTools,
  plain('test_missing_capability', 'Needs a client that can sample.'),
  plain('test_streaming_elicitation', 'Asks the user in its answer.'),
  plain('test_logging_tool', 'Logs, if the request asks for it.'),
  plain('test_trigger_tool_change', 'Says that the tools have changed.'),
  plain('test_trigger_prompt_change', 'Says that the prompts have changed.'),
  headerTool,
  plain('test_input_required_result_elicitation', 'Asks for a name.'),
  plain('test_input_required_result_sampling', 'Asks the model of the client.'),
  plain('test_input_required_result_list_roots', 'Asks for the roots.'),
  plain('test_input_required_result_request_state', 'Asks to confirm, with state.'),
  plain('test_input_required_result_multiple_inputs', 'Asks for three things at once.'),
  plain('test_input_required_result_multi_round', 'Asks twice.'),
  plain('test_input_required_result_tampered_state', 'Asks to confirm, with sealed state.'),
  plain('test_input_required_result_capabilities', 'Asks for what the client can do.'),
]

function argument(name: string) {
  return { name, description: `The ${name}.`, required: true }
}

export const legacyPrompts = [
  { name: 'test_simple_prompt', description: 'A text.' },
  { name: 'test_prompt_with_arguments', description: 'Two words.', arguments: [argument('arg1'), argument('arg2')] },
  { name: 'test_prompt_with_embedded_resource', description: 'A resource.', arguments: [argument('resourceUri')] },
  { name: 'test_prompt_with_image', description: 'An image.' },
]

export const modernPrompts = [
  ...legacyPrompts,
  { name: 'test_input_required_result_prompt', description: 'Asks for its context.' },
]

export const resources = [
  { uri: 'test://static-text', name: 'text', description: 'A text.', mimeType: 'text/plain' },
  { uri: 'test://static-binary', name: 'image', description: 'An image.', mimeType: 'image/png' },
  { uri: 'test://watched-resource', name: 'watched', description: 'Can be watched.', mimeType: 'text/plain' },
]

export const resourceTemplates = [
  { uriTemplate: 'test://template/{id}/data', name: 'data', description: 'By id.', mimeType: 'application/json' },
]
