// Command record evaluates CEL expressions with cel-go in the environment of a Kubernetes API server and prints what
// came out. It reads expressions from standard input, one per line (empty lines and lines that begin with # are skipped),
// and writes a JSON array to standard output, one case per line, in the order of the input. With the name of a file of
// variables it reads and writes lines of tabs instead, see random.go. See README.md.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/cel/library"
)

type record struct {
	Expression string `json:"expression"`
	Value      any    `json:"value,omitempty"`
	// compile, or evaluate.
	Error string  `json:"error,omitempty"`
	Cost  *uint64 `json:"cost,omitempty"`
}

// echo answers every check with all that it was asked, so that a recording shows how selectors and users are read.
type echo struct{}

func (echo) Authorize(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	asked := []string{
		"user=" + a.GetUser().GetName(), "groups=" + strings.Join(a.GetUser().GetGroups(), "+"), "verb=" + a.GetVerb(),
	}
	if a.IsResourceRequest() {
		asked = append(asked, "group="+a.GetAPIGroup(), "version="+a.GetAPIVersion(), "resource="+a.GetResource(),
			"subresource="+a.GetSubresource(), "namespace="+a.GetNamespace(), "name="+a.GetName())
		if fields, err := a.GetFieldSelector(); err == nil {
			for _, f := range fields {
				asked = append(asked, fmt.Sprintf("field=%s %s %s", f.Field, f.Operator, f.Value))
			}
		}
		if labels, err := a.GetLabelSelector(); err == nil {
			for _, l := range labels {
				values := l.ValuesUnsorted()
				sort.Strings(values)
				asked = append(asked, fmt.Sprintf("label=%s %s [%s]", l.Key(), l.Operator(), strings.Join(values, " ")))
			}
		}
	} else {
		asked = append(asked, "path="+a.GetPath())
	}
	reason := strings.Join(asked, "; ")
	switch a.GetVerb() {
	case "deny":
		return authorizer.DecisionDeny, reason, nil
	case "fail":
		return authorizer.DecisionNoOpinion, reason, fmt.Errorf("no answer")
	case "skip":
		return authorizer.DecisionNoOpinion, reason, nil
	}
	return authorizer.DecisionAllow, reason, nil
}

func text(s string) any {
	if !utf8.ValidString(s) {
		return map[string]any{"invalid": []byte(s)}
	}
	return s
}

func tagged(v ref.Val) any {
	switch v := v.(type) {
	case types.Bool:
		return bool(v)
	case types.Int:
		return map[string]any{"int": strconv.FormatInt(int64(v), 10)}
	case types.Uint:
		return map[string]any{"uint": strconv.FormatUint(uint64(v), 10)}
	case types.Double:
		f := float64(v)
		switch {
		case math.IsNaN(f):
			return map[string]any{"double": "NaN"}
		case math.IsInf(f, 1):
			return map[string]any{"double": "Infinity"}
		case math.IsInf(f, -1):
			return map[string]any{"double": "-Infinity"}
		}
		return map[string]any{"double": strconv.FormatFloat(f, 'g', 17, 64)}
	case types.String:
		return text(string(v))
	case types.Null:
		return map[string]any{"null": true}
	case types.Bytes:
		return map[string]any{"bytes": []byte(v)}
	case types.Timestamp:
		return map[string]any{"timestamp": v.Time.UTC().Format(time.RFC3339Nano)}
	case types.Duration:
		return map[string]any{"duration": strconv.FormatInt(v.Duration.Nanoseconds(), 10)}
	case *types.Optional:
		if !v.HasValue() {
			return map[string]any{"optional": []any{}}
		}
		return map[string]any{"optional": []any{tagged(v.GetValue())}}
	case traits.Lister:
		list := []any{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			list = append(list, tagged(it.Next()))
		}
		return list
	case traits.Mapper:
		entries := [][2]any{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			key := it.Next()
			entries = append(entries, [2]any{tagged(key), tagged(v.Get(key))})
		}
		sort.Slice(entries, func(i, j int) bool { return fmt.Sprint(entries[i][0]) < fmt.Sprint(entries[j][0]) })
		return map[string]any{"map": entries}
	case apiservercel.IP:
		return map[string]any{"opaque": "net.IP", "text": v.Addr.String()}
	case apiservercel.CIDR:
		return map[string]any{"opaque": "net.CIDR", "text": v.Prefix.String()}
	case ref.Type:
		return map[string]any{"type": v.TypeName()}
	}
	return map[string]any{"opaque": v.Type().TypeName()}
}

func main() {
	set, err := environment.MustBaseEnvSet(version.MajorMinor(1, 36)).Extend(environment.VersionedOptions{
		IntroducedVersion: version.MajorMinor(1, 0),
		EnvOptions:        []cel.EnvOption{library.JSONPatch(), cel.Variable("authorizer", library.AuthorizerType)},
	})
	if err != nil {
		panic(err)
	}
	env, err := set.Env(environment.StoredExpressions)
	if err != nil {
		panic(err)
	}
	caller := &user.DefaultInfo{Name: "caller", Groups: []string{"callers"}}
	activation := map[string]any{"authorizer": library.NewAuthorizerVal(caller, echo{})}

	if len(os.Args) > 1 {
		recordRandom(env, os.Args[1])
		return
	}
	records := []record{}
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 1<<24)
	for input.Scan() {
		line := input.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		records = append(records, evaluate(env, line, activation))
	}
	if err := input.Err(); err != nil {
		panic(err)
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	fmt.Fprint(out, "[\n")
	for i, r := range records {
		var line strings.Builder
		encoder := json.NewEncoder(&line)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(r); err != nil {
			panic(err)
		}
		comma := ","
		if i == len(records)-1 {
			comma = ""
		}
		fmt.Fprintf(out, "  %s%s\n", strings.TrimSuffix(line.String(), "\n"), comma)
	}
	fmt.Fprint(out, "]\n")
}

func evaluate(env *cel.Env, expression string, activation map[string]any) record {
	ast, issues := env.Compile(expression)
	if issues.Err() != nil {
		if os.Getenv("VERBOSE") != "" {
			fmt.Fprintln(os.Stderr, expression, issues.Err())
		}
		return record{Expression: expression, Error: "compile"}
	}
	program, err := env.Program(ast, cel.CostTracking(&library.CostEstimator{}))
	if err != nil {
		return record{Expression: expression, Error: "compile"}
	}
	value, details, err := program.Eval(activation)
	if err != nil {
		if os.Getenv("VERBOSE") != "" {
			fmt.Fprintln(os.Stderr, expression, err)
		}
		return record{Expression: expression, Error: "evaluate"}
	}
	return record{Expression: expression, Value: tagged(value), Cost: details.ActualCost()}
}
