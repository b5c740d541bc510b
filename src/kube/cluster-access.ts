/** Where an API server listens, and what shows it who asks, at one moment. */
export interface ClusterAccess {
  readonly host: string
  readonly port: number
  /** In front of every path; "" or "/something". Proxies in front of many clusters have one. */
  readonly basePath: string
  readonly tls: ClusterTls
  /** Sent with every request: lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** Grows when anything differs that a connection depends on (all but the headers). */
  readonly generation: number
}

export interface ClusterTls {
  /** PEM; undefined: the roots of the system. */
  readonly ca: string | undefined
  /** PEM of the client's certificate. */
  readonly cert: string | undefined
  readonly key: string | undefined
  /** The name that the certificate of the API server must bear. */
  readonly serverName: string
  /** False only where a kubeconfig says so in words. */
  readonly verify: boolean
}

export type AccessResult =
  | { readonly ok: true; readonly access: ClusterAccess }
  | { readonly ok: false; readonly message: string }

/** Knows the access of a cluster and keeps it fresh. Nothing of it rejects. */
export interface AccessSource {
  /** At once where it is known and fresh. */
  current(): AccessResult | Promise<AccessResult>
  /** The API server answered 401 to `used`: looks anew, unless that has been done since. */
  renew(used: ClusterAccess): Promise<AccessResult>
  /** Ends what is under way, such as an exec plugin; later it knows nothing. */
  close(): void
}
