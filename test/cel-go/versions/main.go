// Command versions prints what a Kubernetes API server of this module's version offers to expressions that must work in
// older versions: one line for each overload and macro, with the first minor version that has it. Nothing is ever taken away;
// the command fails if it is.
package main

import (
	"fmt"
	"os"
	"sort"

	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/cel/environment"
)

const oldest, newest = 28, 36

func main() {
	since := map[string]int{}
	for minor := oldest; minor <= newest; minor++ {
		env, err := environment.MustBaseEnvSet(version.MajorMinor(1, uint(minor))).Env(environment.NewExpressions)
		if err != nil {
			panic(err)
		}
		offered := map[string]bool{}
		for name, function := range env.Functions() {
			for _, overload := range function.OverloadDecls() {
				offered[fmt.Sprintf("function\t%s\t%s", name, overload.ID())] = true
			}
		}
		for _, macro := range env.Macros() {
			offered[fmt.Sprintf("macro\t%s\t%d", macro.Function(), macro.ArgCount())] = true
		}
		for line := range offered {
			if _, known := since[line]; !known {
				since[line] = minor
			}
		}
		for line := range since {
			if !offered[line] {
				fmt.Fprintln(os.Stderr, "taken away in", minor, line)
				os.Exit(1)
			}
		}
	}
	lines := make([]string, 0, len(since))
	for line, minor := range since {
		lines = append(lines, fmt.Sprintf("1.%d\t%s", minor, line))
	}
	sort.Strings(lines)
	for _, line := range lines {
		fmt.Println(line)
	}
}
