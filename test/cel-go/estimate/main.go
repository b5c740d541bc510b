// Command estimate prints what cel-go expects expressions to cost, with the estimator of a Kubernetes API server: one
// expression per line of its input, and for each a line with the expression, the least and the most, between tabs. Texts
// have up to 100 characters, lists up to 10 elements, maps up to 5 entries. See ../README.md.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker"
	"github.com/google/cel-go/common/types"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/cel/library"
)

type sizes struct{}

func (sizes) EstimateSize(node checker.AstNode) *checker.SizeEstimate {
	if len(node.Path()) == 0 {
		return nil
	}
	switch node.Type().Kind() {
	case types.StringKind, types.BytesKind:
		return &checker.SizeEstimate{Min: 0, Max: 100}
	case types.ListKind:
		return &checker.SizeEstimate{Min: 0, Max: 10}
	case types.MapKind:
		return &checker.SizeEstimate{Min: 0, Max: 5}
	}
	return nil
}

func (sizes) EstimateCallCost(_, _ string, _ *checker.AstNode, _ []checker.AstNode) *checker.CallEstimate {
	return nil
}

func main() {
	text := cel.ListType(cel.StringType)
	set, err := environment.MustBaseEnvSet(version.MajorMinor(1, 36)).Extend(environment.VersionedOptions{
		IntroducedVersion: version.MajorMinor(1, 0),
		EnvOptions: []cel.EnvOption{
			library.JSONPatch(),
			cel.Variable("s", cel.StringType), cel.Variable("t", cel.StringType), cel.Variable("n", cel.IntType),
			cel.Variable("b", cel.BoolType), cel.Variable("f", cel.DoubleType), cel.Variable("xs", text),
			cel.Variable("ns", cel.ListType(cel.IntType)), cel.Variable("xss", cel.ListType(text)),
			cel.Variable("m", cel.MapType(cel.StringType, cel.StringType)),
			cel.Variable("ms", cel.MapType(cel.StringType, text)), cel.Variable("o", cel.OptionalType(cel.StringType)),
			cel.Variable("at", cel.TimestampType), cel.Variable("p", cel.DurationType), cel.Variable("raw", cel.BytesType),
		},
	})
	if err != nil {
		panic(err)
	}
	env, err := set.Env(environment.StoredExpressions)
	if err != nil {
		panic(err)
	}
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		line := input.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		ast, issues := env.Compile(line)
		if issues.Err() != nil {
			fmt.Fprintln(os.Stderr, line, issues.Err())
			os.Exit(1)
		}
		cost, err := env.EstimateCost(ast, &library.CostEstimator{SizeEstimator: sizes{}})
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s\t%d\t%d\n", line, cost.Min, cost.Max)
	}
}
