import type { OutgoingHttpHeaders } from 'node:http2'
import type { ApiRequest } from './api-server.js'
import type { ClusterAccess } from './cluster-access.js'

type Sent = Pick<ApiRequest, 'method' | 'path' | 'accept' | 'body' | 'contentType'>

/** Of a request as it goes out, in HTTP/2. */
export function requestHeaders(request: Sent, access: ClusterAccess): OutgoingHttpHeaders {
  return {
    ...access.headers,
    ':method': request.method,
    ':path': access.basePath + request.path,
    accept: request.accept ?? 'application/json',
    'user-agent': 'mcp-authz',
    ...(request.body !== undefined && { 'content-type': request.contentType ?? 'application/json' }),
  }
}
