package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"k8s.io/apiserver/pkg/cel/library"
)

// inputs are the types of variables, and the values that they have in each input, as `tagged` writes values.
type inputs struct {
	Types  map[string]string `json:"types"`
	Inputs []map[string]any  `json:"inputs"`
	values []map[string]any
}

// recordRandom reads lines of an input's number, a tab and an expression; what else is on a line is not read, so that a
// recording can be made anew from itself. It adds the type, the value or error, and the cost. Lines with # are kept.
func recordRandom(env *cel.Env, file string) {
	in := readInputs(file)
	options := []cel.EnvOption{}
	for name, text := range in.Types {
		options = append(options, cel.Variable(name, parseType(text)))
	}
	env, err := env.Extend(options...)
	if err != nil {
		panic(err)
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		line := lines.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			fmt.Fprintln(out, line)
			continue
		}
		columns := strings.Split(line, "\t")
		number, err := strconv.Atoi(columns[0])
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(out, "%d\t%s\t%s\n", number, columns[1], outcome(env, columns[1], in.values[number]))
	}
	if err := lines.Err(); err != nil {
		panic(err)
	}
}

func outcome(env *cel.Env, expression string, activation map[string]any) (result string) {
	// The validator of literals looks for the index of an optional entry of a map as if it were a list's.
	defer func() {
		if recover() != nil {
			result = "\t! panic\t"
		}
	}()
	ast, issues := env.Compile(expression)
	if issues.Err() != nil {
		if os.Getenv("VERBOSE") != "" {
			fmt.Fprintln(os.Stderr, expression, issues.Err())
		}
		return "\t! compile\t"
	}
	program, err := env.Program(ast, cel.CostTracking(&library.CostEstimator{}))
	if err != nil {
		return "\t! compile\t"
	}
	first := evaluateOnce(program, activation)
	for range 20 {
		if evaluateOnce(program, activation) != first {
			return fmt.Sprintf("%s\t! unsteady\t", ast.OutputType())
		}
	}
	return fmt.Sprintf("%s\t%s", ast.OutputType(), first)
}

// evaluateOnce gives the value or error, and the cost. Where an expression makes a map and goes through it, both may be
// others the next time.
func evaluateOnce(program cel.Program, activation map[string]any) string {
	value, details, err := program.Eval(activation)
	cost := ""
	if details != nil && details.ActualCost() != nil {
		cost = strconv.FormatUint(*details.ActualCost(), 10)
	}
	if err != nil {
		if os.Getenv("VERBOSE") != "" {
			fmt.Fprintln(os.Stderr, err)
		}
		return fmt.Sprintf("! %s\t%s", kindOf(err), cost)
	}
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(tagged(value)); err != nil {
		panic(err)
	}
	return fmt.Sprintf("%s\t%s", strings.TrimSuffix(text.String(), "\n"), cost)
}

// kinds are the kinds of errors, by what the messages say. The first that fits counts.
var kinds = []struct {
	kind    string
	pattern *regexp.Regexp
}{
	{"internal", regexp.MustCompile(`^internal error|unsupported conversion to ref.Val`)},
	{"no such key", regexp.MustCompile(`^no such key|no such attribute|^invalid qualifier type`)},
	{"index out of bounds", regexp.MustCompile(`^(invalid_argument: )?index out of bounds|^index out of range`)},
	{"division by zero", regexp.MustCompile(`division by zero|modulus by zero`)},
	{"overflow", regexp.MustCompile(`overflow|^range error|out of range`)},
	{"no such overload", regexp.MustCompile(`no such overload|expected iterable type|unsupported (key|index|map key) type`)},
	{"duplicate key", regexp.MustCompile(`[rR]epeated key|insert failed: key`)},
	{"no value", regexp.MustCompile(`optional.none\(\) dereference`)},
	{"conversion", regexp.MustCompile(`type conversion error|cannot parse|invalid UTF-8|string parse error`)},
}

func kindOf(err error) string {
	message := err.Error()
	for _, one := range kinds {
		if one.pattern.MatchString(message) {
			return one.kind
		}
	}
	if os.Getenv("VERBOSE") != "" {
		fmt.Fprintln(os.Stderr, "invalid argument:", message)
	}
	return "invalid argument"
}

func readInputs(file string) inputs {
	var in inputs
	data, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	if err := json.Unmarshal(data, &in); err != nil {
		panic(err)
	}
	for _, input := range in.Inputs {
		values := map[string]any{}
		for name, value := range input {
			values[name] = untagged(value)
		}
		in.values = append(in.values, values)
	}
	return in
}

// orderedMap is a map that is gone through in the order in which it was written: Go's own order changes with each run.
type orderedMap struct {
	traits.Mapper
	keys []ref.Val
}

func (m orderedMap) Iterator() traits.Iterator {
	return types.NewRefValList(types.DefaultTypeAdapter, m.keys).Iterator()
}

// untagged is the other way round of tagged.
func untagged(written any) ref.Val {
	switch w := written.(type) {
	case bool:
		return types.Bool(w)
	case string:
		return types.String(w)
	case []any:
		list := []ref.Val{}
		for _, item := range w {
			list = append(list, untagged(item))
		}
		return types.DefaultTypeAdapter.NativeToValue(list)
	}
	for tag, inner := range written.(map[string]any) {
		switch tag {
		case "null":
			return types.NullValue
		case "map":
			entries := map[ref.Val]ref.Val{}
			keys := []ref.Val{}
			for _, entry := range inner.([]any) {
				pair := entry.([]any)
				key := untagged(pair[0])
				keys = append(keys, key)
				entries[key] = untagged(pair[1])
			}
			return orderedMap{types.NewRefValMap(types.DefaultTypeAdapter, entries), keys}
		case "optional":
			for _, value := range inner.([]any) {
				return types.OptionalOf(untagged(value))
			}
			return types.OptionalNone
		}
		text := inner.(string)
		switch tag {
		case "int":
			return types.Int(must(strconv.ParseInt(text, 10, 64)))
		case "uint":
			return types.Uint(must(strconv.ParseUint(text, 10, 64)))
		case "double":
			return types.Double(must(strconv.ParseFloat(text, 64)))
		case "bytes":
			return types.Bytes(must(base64.StdEncoding.DecodeString(text)))
		case "timestamp":
			return types.Timestamp{Time: must(time.Parse(time.RFC3339Nano, text))}
		case "duration":
			return types.Duration{Duration: must(time.ParseDuration(text))}
		}
	}
	panic(fmt.Sprintf("not a value: %v", written))
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// parseType reads a type as CEL writes it.
func parseType(text string) *cel.Type {
	simple := map[string]*cel.Type{
		"bool": cel.BoolType, "int": cel.IntType, "uint": cel.UintType, "double": cel.DoubleType, "string": cel.StringType,
		"bytes": cel.BytesType, "dyn": cel.DynType, "google.protobuf.Timestamp": cel.TimestampType,
		"google.protobuf.Duration": cel.DurationType, "wrapper(int)": cel.NullableType(cel.IntType),
	}
	if known, ok := simple[text]; ok {
		return known
	}
	outer, rest, found := strings.Cut(text, "(")
	if !found {
		panic("not a type: " + text)
	}
	inner := strings.TrimSuffix(rest, ")")
	switch outer {
	case "list":
		return cel.ListType(parseType(inner))
	case "optional_type":
		return cel.OptionalType(parseType(inner))
	case "map":
		key, value, _ := strings.Cut(inner, ", ")
		return cel.MapType(parseType(key), parseType(value))
	}
	panic("not a type: " + text)
}
