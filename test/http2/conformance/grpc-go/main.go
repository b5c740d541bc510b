// Plays the client of the interoperability cases of gRPC, as grpc-go has them, against a server of grpc.testing.TestService, and
// prints a line of JSON for each. More cases of our own follow: what the official ones leave out.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/grpclog"
	"google.golang.org/grpc/interop"
	"google.golang.org/grpc/status"

	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	testpb "google.golang.org/grpc/interop/grpc_testing"
)

type client struct {
	conn *grpc.ClientConn
	test testgrpc.TestServiceClient
}

type testCase struct {
	name string
	run  func(context.Context, client)
}

func calls(do func(context.Context, testgrpc.TestServiceClient, ...grpc.CallOption)) func(context.Context, client) {
	return func(ctx context.Context, c client) { do(ctx, c.test) }
}

// The names of the official ones are those of the specification of interoperability.
var cases = []testCase{
	{"empty_unary", calls(interop.DoEmptyUnaryCall)},
	{"large_unary", calls(interop.DoLargeUnaryCall)},
	{"client_streaming", calls(interop.DoClientStreaming)},
	{"server_streaming", calls(interop.DoServerStreaming)},
	{"ping_pong", calls(interop.DoPingPong)},
	{"empty_stream", calls(interop.DoEmptyStream)},
	{"timeout_on_sleeping_server", calls(interop.DoTimeoutOnSleepingServer)},
	{"cancel_after_begin", calls(interop.DoCancelAfterBegin)},
	{"cancel_after_first_response", calls(interop.DoCancelAfterFirstResponse)},
	{"unimplemented_method", func(ctx context.Context, c client) { interop.DoUnimplementedMethod(ctx, c.conn) }},
	{"unimplemented_service", func(ctx context.Context, c client) {
		interop.DoUnimplementedService(ctx, testgrpc.NewUnimplementedServiceClient(c.conn))
	}},
	{"pick_first_unary", func(ctx context.Context, c client) { interop.DoPickFirstUnary(ctx, c.test) }},
	{"custom_metadata", calls(interop.DoCustomMetadata)},
	{"status_code_and_message", calls(interop.DoStatusCodeAndMessage)},
	{"special_status_message", calls(interop.DoSpecialStatusMessage)},
	{"orca_per_rpc", func(ctx context.Context, c client) { interop.DoORCAPerRPCTest(ctx, c.test) }},

	{"half_duplex", halfDuplex},
	{"message_sizes", messageSizes},
	{"too_large", tooLarge},
	{"many_streams", manyStreams},
	{"slow_reader", slowReader},
	{"deadline_while_server_waits", deadline},
	{"cancel_while_server_waits", cancelled},
}

// Only by its name: it needs a server that sends its connections away.
var elsewhere = testCase{"calls_all_the_time", allTheTime}

type line struct {
	Name    string  `json:"name"`
	Passed  bool    `json:"passed"`
	Problem string  `json:"problem"`
	Seconds float64 `json:"seconds"`
}

func main() {
	target := flag.String("target", "", "as gRPC names it: 127.0.0.1:1234, unix:/path")
	ca := flag.String("ca", "", "authority of the server, PEM; TLS is used with it")
	cert := flag.String("cert", "", "certificate of the client, PEM")
	key := flag.String("key", "", "its key, PEM")
	only := flag.String("case", "", "the only case to run")
	flag.Parse()

	creds, err := credentialsFrom(*ca, *cert, *key)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	grpclog.SetLoggerV2(panics{grpclog.NewLoggerV2(io.Discard, io.Discard, io.Discard)})
	out := json.NewEncoder(os.Stdout)
	for _, c := range append(cases, elsewhere) {
		if *only != c.name && (*only != "" || c.name == elsewhere.name) {
			continue
		}
		begun := time.Now()
		err := runCase(c, *target, creds)
		l := line{Name: c.name, Passed: err == nil, Seconds: time.Since(begun).Seconds()}
		if err != nil {
			l.Problem = err.Error()
		}
		if err := out.Encode(l); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
}

func credentialsFrom(ca, cert, key string) (credentials.TransportCredentials, error) {
	if ca == "" {
		return insecure.NewCredentials(), nil
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s has no certificate", ca)
	}
	own, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, err
	}
	return credentials.NewTLS(&tls.Config{RootCAs: roots, Certificates: []tls.Certificate{own}}), nil
}

// Each case has a connection of its own, and a minute.
func runCase(c testCase, target string, creds credentials.TransportCredentials) (err error) {
	conn, err := grpc.NewClient(
		target,
		grpc.WithTransportCredentials(creds),
		// The policy of the cases of ORCA, which hands on what load the trailers tell of; to others it is pick_first.
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig": [{"test_backend_metrics_load_balancer": {}}]}`),
	)
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("%v", problem)
		}
	}()
	c.run(ctx, client{conn, testgrpc.NewTestServiceClient(conn)})
	return nil
}

// The official cases say by a fatal message that they fail, which would end the program.
type panics struct{ grpclog.LoggerV2 }

func (panics) Fatal(args ...any)                 { panic(fmt.Sprint(args...)) }
func (panics) Fatalln(args ...any)               { panic(strings.TrimSpace(fmt.Sprintln(args...))) }
func (panics) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func answers(sizes ...int) []*testpb.ResponseParameters {
	var all []*testpb.ResponseParameters
	for _, size := range sizes {
		all = append(all, &testpb.ResponseParameters{Size: int32(size)})
	}
	return all
}

func payload(size int) *testpb.Payload {
	return interop.ClientNewPayload(testpb.PayloadType_COMPRESSABLE, size)
}

func unary(ctx context.Context, c client, there, back int, options ...grpc.CallOption) error {
	request := &testpb.SimpleRequest{ResponseSize: int32(back), Payload: payload(there)}
	reply, err := c.test.UnaryCall(ctx, request, options...)
	if err == nil && len(reply.GetPayload().GetBody()) != back {
		return fmt.Errorf("%d bytes came of %d", len(reply.GetPayload().GetBody()), back)
	}
	return err
}

// All requests, the end of them, and only then all answers.
func halfDuplex(ctx context.Context, c client) {
	stream, err := c.test.HalfDuplexCall(ctx)
	must(err)
	sizes := []int{1, 70_000, 0, 300_000}
	for _, size := range sizes {
		must(stream.Send(&testpb.StreamingOutputCallRequest{Payload: payload(100_000), ResponseParameters: answers(size)}))
	}
	must(stream.CloseSend())
	for _, size := range sizes {
		reply, err := stream.Recv()
		must(err)
		if got := len(reply.GetPayload().GetBody()); got != size {
			panic(fmt.Sprintf("%d bytes came of %d", got, size))
		}
	}
	if _, err := stream.Recv(); err != io.EOF {
		panic(fmt.Sprintf("no end but %v", err))
	}
}

// At the edges of frames and of windows, both ways.
func messageSizes(ctx context.Context, c client) {
	for _, size := range []int{0, 1, 16_360, 16_379, 16_384, 65_520, 65_535, 65_540, 300_000, 1 << 20, 4 << 20} {
		must(unary(ctx, c, size, 0))
		must(unary(ctx, c, 0, size, grpc.MaxCallRecvMsgSize(5<<20)))
		must(unary(ctx, c, size, size, grpc.MaxCallRecvMsgSize(5<<20)))
	}
}

func tooLarge(ctx context.Context, c client) {
	if err := unary(ctx, c, 5<<20, 0); status.Code(err) != codes.ResourceExhausted {
		panic(fmt.Sprintf("5 MiB and a few bytes: %v", err))
	}
	// The connection is as good as it was.
	must(unary(ctx, c, 1, 1))
}

// 4000 calls, 200 at a time, on one connection.
func manyStreams(ctx context.Context, c client) {
	var group sync.WaitGroup
	problems := make(chan error, 200)
	for worker := range 200 {
		group.Go(func() {
			for i := range 20 {
				if err := unary(ctx, c, (worker*20+i)%1500, (worker*7+i*131)%3000); err != nil {
					problems <- err
					return
				}
			}
		})
	}
	group.Wait()
	close(problems)
	must(<-problems)
}

// 16 MiB in messages of 256 KiB, each read when the one before has been thought about.
func slowReader(ctx context.Context, c client) {
	stream, err := c.test.FullDuplexCall(ctx)
	must(err)
	sizes := make([]int, 64)
	for i := range sizes {
		sizes[i] = 256 << 10
	}
	must(stream.Send(&testpb.StreamingOutputCallRequest{ResponseParameters: answers(sizes...)}))
	must(stream.CloseSend())
	for i := range sizes {
		reply, err := stream.Recv()
		must(err)
		if got := len(reply.GetPayload().GetBody()); got != sizes[i] {
			panic(fmt.Sprintf("%d bytes came of %d", got, sizes[i]))
		}
		time.Sleep(2 * time.Millisecond)
	}
	if _, err := stream.Recv(); err != io.EOF {
		panic(fmt.Sprintf("no end but %v", err))
	}
}

var anHour = []*testpb.ResponseParameters{{Size: 1}, {Size: 1, IntervalUs: 2_000_000_000}}

// The server has said something and waits before it goes on.
func waiting(ctx context.Context, c client) (testgrpc.TestService_StreamingOutputCallClient, error) {
	stream, err := c.test.StreamingOutputCall(ctx, &testpb.StreamingOutputCallRequest{ResponseParameters: anHour})
	if err == nil {
		_, err = stream.Recv()
	}
	return stream, err
}

func deadline(parent context.Context, c client) {
	for timeout := 300 * time.Millisecond; ; timeout *= 4 {
		ctx, cancel := context.WithTimeout(parent, timeout)
		stream, err := waiting(ctx, c)
		if err == nil {
			_, err = stream.Recv()
		} else if status.Code(err) == codes.DeadlineExceeded && parent.Err() == nil {
			// A busy machine has not even begun.
			cancel()
			continue
		}
		cancel()
		if status.Code(err) != codes.DeadlineExceeded || parent.Err() != nil {
			panic(fmt.Sprintf("after the deadline: %v", err))
		}
		return
	}
}

func cancelled(parent context.Context, c client) {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	stream, err := waiting(ctx, c)
	must(err)
	cancel()
	if _, err := stream.Recv(); status.Code(err) != codes.Canceled {
		panic(fmt.Sprintf("after the end: %v", err))
	}
	if parent.Err() != nil {
		panic(errors.New("the time was over"))
	}
	must(unary(parent, c, 1, 1))
}

// Calls from 50 places for four seconds: each must be answered, whatever becomes of connections.
func allTheTime(ctx context.Context, c client) {
	var group sync.WaitGroup
	problems := make(chan error, 50)
	until := time.Now().Add(4 * time.Second)
	for worker := range 50 {
		group.Go(func() {
			for i := 0; time.Now().Before(until); i++ {
				if err := unary(ctx, c, worker*i%1500, 1500); err != nil {
					problems <- err
					return
				}
			}
		})
	}
	group.Wait()
	close(problems)
	must(<-problems)
}
