/** Where an API server is, and as whom it is asked. */
export type ClusterConnection =
  /** By the ServiceAccount of the pod: KUBERNETES_SERVICE_HOST and _PORT, and the files that the kubelet mounts. */
  | { readonly kind: 'inCluster' }
  /** By a kubeconfig file, with everything that such a file may ask for (exec plugins, client certificates). */
  | {
      readonly kind: 'kubeconfig'
      /** Absolute. */
      readonly file: string
      /** undefined: the file's current context. */
      readonly context: string | undefined
    }
