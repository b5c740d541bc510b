package main

import (
	"context"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller/clusterroleaggregation"
	"k8s.io/kubernetes/pkg/controller/namespace"
	"k8s.io/kubernetes/pkg/controller/serviceaccount"
)

// runControllers waits for the API server and runs three loops of kube-controller-manager: aggregated ClusterRoles get their
// rules, namespaces get the ServiceAccount without which no Pod is admitted, and deleted namespaces go.
func runControllers(address, token, authority string) error {
	config := &rest.Config{
		Host:            address,
		BearerToken:     token,
		TLSClientConfig: rest.TLSClientConfig{CAFile: authority},
		// No limit: tests wait for what these loops do.
		QPS: -1,
	}
	ctx := context.Background()
	client, err := connect(ctx, config)
	if err != nil {
		return err
	}
	content, err := metadata.NewForConfig(config)
	if err != nil {
		return err
	}
	shared := informers.NewSharedInformerFactory(client, 0)
	namespaces := shared.Core().V1().Namespaces()
	accounts, err := serviceaccount.NewServiceAccountsController(klog.Background(), shared.Core().V1().ServiceAccounts(),
		namespaces, client, serviceaccount.DefaultServiceAccountsControllerOptions())
	if err != nil {
		return err
	}
	aggregation := clusterroleaggregation.NewClusterRoleAggregation(shared.Rbac().V1().ClusterRoles(), client.RbacV1())
	deletion := namespace.NewNamespaceController(ctx, client, content, client.Discovery().ServerPreferredNamespacedResources,
		namespaces, 5*time.Minute, corev1.FinalizerKubernetes)
	shared.Start(ctx.Done())
	go aggregation.Run(ctx, 1)
	go accounts.Run(ctx, 1)
	deletion.Run(ctx, 1)
	return nil
}

// connect returns a client of the API server once that is ready.
func connect(ctx context.Context, config *rest.Config) (*kubernetes.Clientset, error) {
	for ; ; time.Sleep(50 * time.Millisecond) {
		// Made by the API server when it starts for the first time.
		if _, err := os.Stat(config.CAFile); os.IsNotExist(err) {
			continue
		}
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			return nil, err
		}
		if err := client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error(); err == nil {
			return client, nil
		}
	}
}
