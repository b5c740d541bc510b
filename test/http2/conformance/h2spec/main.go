// Runs the cases of h2spec against a server of HTTP/2 and prints one line of JSON for each, in order.
//
// The report that h2spec itself writes has neither the numbers of cases nor escaped text, so it cannot be held against a list.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/summerwind/h2spec/config"
	"github.com/summerwind/h2spec/generic"
	"github.com/summerwind/h2spec/hpack"
	"github.com/summerwind/h2spec/http2"
	"github.com/summerwind/h2spec/spec"
)

type line struct {
	// As the command line of h2spec names it: "http2/5.1.1/2".
	ID          string `json:"id"`
	Description string `json:"description"`
	Outcome     string `json:"outcome"`
	// What came instead of what was asked for.
	Problem string  `json:"problem"`
	Seconds float64 `json:"seconds"`
}

func main() {
	c := &config.Config{Strict: true, Insecure: true, MaxHeaderLen: 4000}
	flag.StringVar(&c.Host, "host", "127.0.0.1", "")
	flag.IntVar(&c.Port, "port", 0, "")
	flag.StringVar(&c.Path, "path", "/", "of the requests, which are GET and POST without a body of gRPC")
	flag.BoolVar(&c.TLS, "tls", false, "")
	flag.StringVar(&c.CertFile, "cert", "", "certificate of the client, PEM")
	flag.StringVar(&c.CertKeyFile, "key", "", "its key, PEM")
	timeout := flag.Duration("timeout", 2*time.Second, "how long an answer is waited for")
	flag.Parse()
	c.Timeout = *timeout
	c.Sections = flag.Args()

	// h2spec tells people what it does, on the standard output.
	out := json.NewEncoder(os.Stdout)
	os.Stdout = os.Stderr
	for _, group := range []*spec.TestGroup{generic.Spec(), http2.Spec(), hpack.Spec()} {
		group.Test(c)
		if err := report(out, group); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
}

func report(out *json.Encoder, group *spec.TestGroup) error {
	for _, test := range append(group.Tests, group.StrictTests...) {
		result := test.Result
		if result == nil {
			continue
		}
		l := line{
			ID:          fmt.Sprintf("%s/%d", group.ID(), result.Sequence),
			Description: test.Desc,
			Outcome:     "passed",
			Seconds:     result.Duration.Seconds(),
		}
		if result.Skipped {
			l.Outcome = "skipped"
		} else if result.Failed {
			l.Outcome = "failed"
			l.Problem = result.Error.Error()
			// Error of the package's own type leaves out which part is which.
			if err, ok := result.Error.(*spec.TestError); ok {
				l.Problem = fmt.Sprintf("expected %q, got %s", err.Expected, err.Actual)
			}
		}
		if err := out.Encode(l); err != nil {
			return err
		}
	}
	for _, inner := range group.Groups {
		if err := report(out, inner); err != nil {
			return err
		}
	}
	return nil
}
