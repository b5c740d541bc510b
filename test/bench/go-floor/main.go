// Program go-floor is what every ratio of the comparison stands beside: an ext_authz server as Go programs write it, with
// grpc-go and Envoy's own types, that reads the CheckRequest and allows. It decides nothing.
//
// Usage: go-floor THREADS, where THREADS is GOMAXPROCS. It listens on a free port of 127.0.0.1, says which as the
// servers of the benchmark do, and ends on SIGTERM.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
)

type authorizer struct {
	authv3.UnimplementedAuthorizationServer
}

// Check allows. A request that is not a POST is refused, so that the message is seen to have been read.
func (authorizer) Check(_ context.Context, request *authv3.CheckRequest) (*authv3.CheckResponse, error) {
	code := codes.OK
	if request.GetAttributes().GetRequest().GetHttp().GetMethod() != "POST" {
		code = codes.PermissionDenied
	}
	return &authv3.CheckResponse{
		Status:       &statuspb.Status{Code: int32(code)},
		HttpResponse: &authv3.CheckResponse_OkResponse{OkResponse: &authv3.OkHttpResponse{}},
	}, nil
}

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("usage: go-floor THREADS")
	}
	threads, err := strconv.Atoi(os.Args[1])
	if err != nil || threads < 1 {
		return fmt.Errorf("THREADS: %q is not a number of threads", os.Args[1])
	}
	runtime.GOMAXPROCS(threads)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	authv3.RegisterAuthorizationServer(server, authorizer{})
	// Envoy asks for it before it sends anything else.
	healthv1.RegisterHealthServer(server, health.NewServer())
	fmt.Fprintf(os.Stderr, "{\"message\":\"listening\",\"listener\":\"ext-authz\",\"address\":%q}\n", listener.Addr())
	fmt.Fprintln(os.Stderr, `{"message":"ready"}`)
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-ended
		server.Stop()
	}()
	return server.Serve(listener)
}
