import { join } from 'node:path'
import type { LoadAccess } from './create-access-source.js'
import { readAuthorityFile, readTokenFile } from './read-credential-file.js'

export const serviceAccountDirectory = '/var/run/secrets/kubernetes.io/serviceaccount'

const port = /^[0-9]{1,5}$/
const host = /^[0-9A-Za-z.:_-]{1,253}$/

/**
 * What the kubelet gives to every pod: the address in the environment, the token and the cluster's authority in files that it
 * renews (the token at 80 % of its life). The files are small and on a memory file system; they are read whole each time.
 */
export function loadInClusterAccess(
  variables: Readonly<Record<string, string | undefined>>,
  directory = serviceAccountDirectory,
): LoadAccess {
  return async () => {
    const serviceHost = variables.KUBERNETES_SERVICE_HOST ?? ''
    const servicePort = variables.KUBERNETES_SERVICE_PORT ?? ''
    if (serviceHost === '' || servicePort === '') {
      return {
        ok: false,
        message:
          'not in a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set; run in a pod, or name a kubeconfig',
      }
    }
    if (!host.test(serviceHost) || !port.test(servicePort) || Number(servicePort) > 65_535) {
      return { ok: false, message: 'KUBERNETES_SERVICE_HOST or KUBERNETES_SERVICE_PORT is not an address' }
    }
    const [ca, token] = await Promise.all([
      readAuthorityFile(join(directory, 'ca.crt')),
      readTokenFile(join(directory, 'token')),
    ])
    if (!ca.ok) return ca
    if (!token.ok) {
      return { ok: false, message: `${token.message}; does the pod set automountServiceAccountToken: false?` }
    }
    return {
      ok: true,
      access: {
        host: serviceHost,
        port: Number(servicePort),
        basePath: '',
        tls: { ca: ca.text, cert: undefined, key: undefined, serverName: serviceHost, verify: true },
        headers: { authorization: `Bearer ${token.text}` },
      },
    }
  }
}
