// Command rbac-oracle answers with Kubernetes' own code what an API server would say about RBAC objects and requests.
//
// It reads one JSON document per line and answers each with one line:
//
//	{"objects": [...], "trust": false, "requests": [...]}  →  {"refused": ["", "spec.x: ...", ...], "answers": [...], "review": {...}}
//
// Every object is decoded strictly, defaulted and validated as the registry does; those that are refused take no part.
// With "trust" they all do, and nothing is validated: that is how roles and bindings of odd kinds reach the authorizer.
// Without it aggregated ClusterRoles get the rules that the controller manager would give them.
// An API server iterates bindings in the order of a Go map, so that which of several reasons it gives is chance. Here
// bindings are listed in the order of the bytes of their names, so that there is one right answer.
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	rbaclisters "k8s.io/client-go/listers/rbac/v1"
	"k8s.io/client-go/tools/cache"
	internal "k8s.io/kubernetes/pkg/apis/rbac"
	internalv1 "k8s.io/kubernetes/pkg/apis/rbac/v1"
	"k8s.io/kubernetes/pkg/apis/rbac/validation"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac"
	kjson "sigs.k8s.io/json"
)

type question struct {
	Objects  []json.RawMessage `json:"objects"`
	Trust    bool              `json:"trust"`
	Requests []request         `json:"requests"`
}

type request struct {
	User        string   `json:"user"`
	Groups      []string `json:"groups"`
	Verb        string   `json:"verb"`
	Group       string   `json:"group"`
	Resource    string   `json:"resource"`
	Subresource string   `json:"subresource"`
	Namespace   string   `json:"namespace"`
	Name        string   `json:"name"`
	// Path makes it a request for a URL instead of a resource.
	Path *string `json:"path"`
}

type reply struct {
	// Refused holds for each object why the API server would refuse it; "" where it would not.
	Refused []string `json:"refused"`
	Answers []answer `json:"answers"`
	// Review is what a SelfSubjectRulesReview says to the user of the first request, in its namespace.
	Review *review `json:"review,omitempty"`
}

type review struct {
	Resource    []authorizer.ResourceRuleInfo    `json:"resource"`
	NonResource []authorizer.NonResourceRuleInfo `json:"nonResource"`
	Incomplete  bool                             `json:"incomplete"`
	Error       string                           `json:"error"`
}

type answer struct {
	Allowed bool   `json:"allowed"`
	Reason  string `json:"reason"`
	Error   string `json:"error,omitempty"`
}

// world is what the authorizer sees: its two kinds of role through the listers of client-go, which make the errors for
// missing roles, and its bindings in order.
type world struct {
	roles, clusterRoles cache.Indexer
	bindings            []*rbacv1.RoleBinding
	clusterBindings     []*rbacv1.ClusterRoleBinding
}

func (w *world) ListRoleBindings(_ context.Context, namespace string) ([]*rbacv1.RoleBinding, error) {
	var found []*rbacv1.RoleBinding
	for _, binding := range w.bindings {
		if binding.Namespace == namespace {
			found = append(found, binding)
		}
	}
	return found, nil
}

func (w *world) ListClusterRoleBindings(context.Context) ([]*rbacv1.ClusterRoleBinding, error) {
	return w.clusterBindings, nil
}

func newIndexer() cache.Indexer {
	return cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
}

// read decodes one object strictly, as the API server does with fieldValidation=Strict.
func read(raw json.RawMessage, into any) error {
	strict, err := kjson.UnmarshalStrict(raw, into)
	return errors.Join(append(strict, err)...)
}

func (w *world) add(raw json.RawMessage, trust bool) error {
	var head metav1.TypeMeta
	if err := json.Unmarshal(raw, &head); err != nil {
		return err
	}
	if head.APIVersion != rbacv1.SchemeGroupVersion.String() {
		return fmt.Errorf("unknown version %q", head.APIVersion)
	}
	switch head.Kind {
	case "Role":
		return take(raw, trust, nil, internalv1.Convert_v1_Role_To_rbac_Role,
			validation.ValidateRole, func(role *rbacv1.Role) { utilruntime.Must(w.roles.Add(role)) })
	case "ClusterRole":
		validate := func(role *internal.ClusterRole) field.ErrorList {
			return validation.ValidateClusterRole(role, validation.ClusterRoleValidationOptions{})
		}
		return take(raw, trust, nil, internalv1.Convert_v1_ClusterRole_To_rbac_ClusterRole,
			validate, func(role *rbacv1.ClusterRole) { utilruntime.Must(w.clusterRoles.Add(role)) })
	case "RoleBinding":
		return take(raw, trust, internalv1.SetObjectDefaults_RoleBinding, internalv1.Convert_v1_RoleBinding_To_rbac_RoleBinding,
			validation.ValidateRoleBinding, func(binding *rbacv1.RoleBinding) { w.bindings = append(w.bindings, binding) })
	case "ClusterRoleBinding":
		return take(raw, trust, internalv1.SetObjectDefaults_ClusterRoleBinding,
			internalv1.Convert_v1_ClusterRoleBinding_To_rbac_ClusterRoleBinding, validation.ValidateClusterRoleBinding,
			func(binding *rbacv1.ClusterRoleBinding) { w.clusterBindings = append(w.clusterBindings, binding) })
	default:
		return fmt.Errorf("unknown kind %q", head.Kind)
	}
}

// take does for one object what the registry does with a new one, and adds it if nothing is wrong with it.
func take[V1, Internal any, C ~func(*V1, *Internal, S) error, S any](
	raw json.RawMessage, trust bool, setDefaults func(*V1), convert C,
	validate func(*Internal) field.ErrorList, add func(*V1),
) error {
	object := new(V1)
	if trust {
		if err := json.Unmarshal(raw, object); err != nil {
			return err
		}
		add(object)
		return nil
	}
	if err := read(raw, object); err != nil {
		return err
	}
	if setDefaults != nil {
		setDefaults(object)
	}
	converted := new(Internal)
	var scope S
	if err := convert(object, converted, scope); err != nil {
		return err
	}
	if problems := validate(converted); len(problems) > 0 {
		return problems.ToAggregate()
	}
	add(object)
	return nil
}

// aggregate fills the rules of aggregated ClusterRoles, in rounds like those of the controller
// (pkg/controller/clusterroleaggregation), but from nothing: rules that only a cycle keeps alive are nobody's.
func (w *world) aggregate() error {
	var roles []*rbacv1.ClusterRole
	for _, object := range w.clusterRoles.List() {
		role := object.(*rbacv1.ClusterRole)
		if role.AggregationRule != nil {
			role.Rules = nil
		}
		roles = append(roles, role)
	}
	slices.SortFunc(roles, func(a, b *rbacv1.ClusterRole) int { return cmp.Compare(a.Name, b.Name) })
	for changed := true; changed; {
		changed = false
		for _, role := range roles {
			if role.AggregationRule == nil {
				continue
			}
			rules, err := selected(role, roles)
			if err != nil {
				return err
			}
			if !equality.Semantic.DeepEqual(rules, role.Rules) {
				role.Rules, changed = rules, true
			}
		}
	}
	return nil
}

func selected(role *rbacv1.ClusterRole, roles []*rbacv1.ClusterRole) ([]rbacv1.PolicyRule, error) {
	var rules []rbacv1.PolicyRule
	for _, one := range role.AggregationRule.ClusterRoleSelectors {
		selector, err := metav1.LabelSelectorAsSelector(&one)
		if err != nil {
			return nil, err
		}
		for _, other := range roles {
			if other.Name == role.Name || !selector.Matches(labels.Set(other.Labels)) {
				continue
			}
			for _, rule := range other.Rules {
				same := func(known rbacv1.PolicyRule) bool { return equality.Semantic.DeepEqual(known, rule) }
				if !slices.ContainsFunc(rules, same) {
					rules = append(rules, rule)
				}
			}
		}
	}
	// The order of rules does not matter, and in a cycle it would never come to rest.
	slices.SortFunc(rules, func(a, b rbacv1.PolicyRule) int { return cmp.Compare(a.String(), b.String()) })
	return rules, nil
}

func (w *world) authorizer() *rbac.RBACAuthorizer {
	slices.SortFunc(w.bindings, func(a, b *rbacv1.RoleBinding) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(w.clusterBindings, func(a, b *rbacv1.ClusterRoleBinding) int { return cmp.Compare(a.Name, b.Name) })
	return rbac.New(
		&rbac.RoleGetter{Lister: rbaclisters.NewRoleLister(w.roles)}, w,
		&rbac.ClusterRoleGetter{Lister: rbaclisters.NewClusterRoleLister(w.clusterRoles)}, w)
}

func (r request) attributes() authorizer.Attributes {
	record := authorizer.AttributesRecord{
		User: &user.DefaultInfo{Name: r.User, Groups: r.Groups},
		Verb: r.Verb, APIGroup: r.Group, APIVersion: "*", Resource: r.Resource, Subresource: r.Subresource,
		Namespace: r.Namespace, Name: r.Name, ResourceRequest: r.Path == nil,
	}
	if r.Path != nil {
		record.Path = *r.Path
	}
	return record
}

func handle(line []byte) (reply, error) {
	var asked question
	if err := json.Unmarshal(line, &asked); err != nil {
		return reply{}, err
	}
	w := &world{roles: newIndexer(), clusterRoles: newIndexer()}
	out := reply{Refused: []string{}, Answers: []answer{}}
	for _, raw := range asked.Objects {
		why := ""
		if err := w.add(raw, asked.Trust); err != nil {
			why = err.Error()
		}
		out.Refused = append(out.Refused, why)
	}
	if !asked.Trust {
		if err := w.aggregate(); err != nil {
			return reply{}, err
		}
	}
	judge := w.authorizer()
	for _, one := range asked.Requests {
		decision, reason, err := judge.Authorize(context.Background(), one.attributes())
		said := answer{Allowed: decision == authorizer.DecisionAllow, Reason: reason}
		if err != nil {
			said.Error = err.Error()
		}
		out.Answers = append(out.Answers, said)
	}
	if len(asked.Requests) > 0 {
		first := asked.Requests[0].attributes()
		resource, nonResource, incomplete, err := judge.RulesFor(context.Background(), first.GetUser(), first.GetNamespace())
		out.Review = &review{Resource: resource, NonResource: nonResource, Incomplete: incomplete}
		if err != nil {
			out.Review.Error = err.Error()
		}
	}
	return out, nil
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	out := bufio.NewWriter(os.Stdout)
	for in.Scan() {
		said, err := handle(in.Bytes())
		if err != nil {
			fmt.Fprintln(os.Stderr, "rbac-oracle:", err)
			os.Exit(1)
		}
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		utilruntime.Must(encoder.Encode(said))
		out.Write(text.Bytes())
		out.Flush()
	}
	if err := in.Err(); err != nil {
		fmt.Fprintln(os.Stderr, "rbac-oracle:", err)
		os.Exit(1)
	}
}
