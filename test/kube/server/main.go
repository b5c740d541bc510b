// Command kube-server is a Kubernetes API server to test against: kube-apiserver, its etcd and the controllers that the rules
// of authorization depend on, all of them the genuine ones, in one process.
//
//	kube-server -directory DIR -port PORT -token TOKEN [-- kube-apiserver flags]
//
// The directory holds everything that is kept; a program that is killed goes on there where it was. etcd listens on Unix
// sockets in it, so that the port is all that could be taken already. The token is that of a user who may do everything,
// among those that --token-auth-file names: the controllers use it.
package main

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	directory := flag.String("directory", "", "where everything is kept")
	port := flag.Int("port", 0, "port of the API server, on 127.0.0.1")
	token := flag.String("token", "", "token of a user who may do everything")
	flag.Parse()
	endWithParent()
	if err := os.Chdir(*directory); err != nil {
		fail(err)
	}
	etcd, err := startEtcd("etcd")
	if err != nil {
		fail(err)
	}
	certificates := "pki"
	go func() {
		address := fmt.Sprintf("https://127.0.0.1:%d", *port)
		// kube-apiserver makes a certificate and puts that of its authority behind it.
		if err := runControllers(address, *token, filepath.Join(certificates, "apiserver.crt")); err != nil {
			fail(err)
		}
	}()
	command := app.NewAPIServerCommand()
	command.SetArgs(append([]string{
		"--etcd-servers=" + etcd,
		"--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", *port),
		// There is nobody to tell who serves: no Service leads here.
		"--endpoint-reconciler-type=none",
		"--service-cluster-ip-range=10.0.0.0/24",
		"--cert-dir=" + certificates,
	}, flag.Args()...))
	os.Exit(cli.Run(command))
}

// startEtcd returns the URL of an etcd that keeps its data in a directory and listens on sockets in the working directory.
func startEtcd(directory string) (string, error) {
	// The path of such a URL is dropped and the port is part of the file's name.
	client := url.URL{Scheme: "unix", Host: "localhost:2379"}
	peer := url.URL{Scheme: "unix", Host: "localhost:2380"}
	config := embed.NewConfig()
	config.Dir = directory
	config.LogLevel = "error"
	// Kept as long as the machine is up, which is longer than any test.
	config.UnsafeNoFsync = true
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	etcd, err := embed.StartEtcd(config)
	if err != nil {
		return "", err
	}
	select {
	case <-etcd.Server.ReadyNotify():
		return client.String(), nil
	case err := <-etcd.Err():
		return "", err
	}
}

// endWithParent ends the program when the one that started it is gone, which may have had no time to say so.
func endWithParent() {
	parent := os.Getppid()
	go func() {
		for os.Getppid() == parent {
			time.Sleep(time.Second)
		}
		os.Exit(1)
	}()
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
