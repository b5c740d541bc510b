/** Version of the schema of records about requests; a field never changes its meaning within one. */
export const decisionRecordVersion = 'mcp-authz.dev/decision/v1'
/** Version of the schema of records about results. */
export const resultRecordVersion = 'mcp-authz.dev/result/v1'
/** Version of the schema of records about what policies in the shadow would have decided. */
export const shadowRecordVersion = 'mcp-authz.dev/shadow/v1'
/** Version of the schema of records that the log writes about itself. */
export const logRecordVersion = 'mcp-authz.dev/log/v1'
