// Command access answers what the API server's authorizers say: one JSON line
// {"objects","questions"} in, one line out with a letter a question: `M` allowed
// to a member of system:masters, `N` by the Node authorizer, `R` by RBAC, `-` not
// allowed. They are asked in the API server's order. The roles and bindings that
// every cluster starts with are there too, and the controller that fills
// aggregated roles has run until nothing changed.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	_ "unsafe" // for go:linkname

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	resourcev1 "k8s.io/api/resource/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	rbacapply "k8s.io/client-go/applyconfigurations/rbac/v1"
	"k8s.io/client-go/informers"
	rbacclient "k8s.io/client-go/kubernetes/typed/rbac/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/kubernetes/pkg/auth/nodeidentifier"
	"k8s.io/kubernetes/pkg/controller/clusterroleaggregation"
	"k8s.io/kubernetes/pkg/registry/rbac/validation"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/node"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy"
)

type question struct {
	User        string      `json:"user"`
	Groups      []string    `json:"groups"`
	Verb        string      `json:"verb"`
	APIGroup    string      `json:"group"`
	Resource    string      `json:"resource"`
	Subresource string      `json:"subresource"`
	Namespace   string      `json:"namespace"`
	Name        string      `json:"name"`
	Fields      [][2]string `json:"fields"`
	Path        string      `json:"path"`
}

type line struct {
	Objects   []json.RawMessage `json:"objects"`
	Questions []question        `json:"questions"`
}

func (q question) attributes() authorizer.Attributes {
	var requirements fields.Requirements
	for _, field := range q.Fields {
		requirements = append(requirements, fields.Requirement{Operator: selection.Equals, Field: field[0], Value: field[1]})
	}
	return authorizer.AttributesRecord{
		User:                      &user.DefaultInfo{Name: q.User, Groups: q.Groups},
		Verb:                      q.Verb,
		Namespace:                 q.Namespace,
		APIGroup:                  q.APIGroup,
		APIVersion:                "v1",
		Resource:                  q.Resource,
		Subresource:               q.Subresource,
		Name:                      q.Name,
		ResourceRequest:           q.Path == "",
		Path:                      q.Path,
		FieldSelectorRequirements: requirements,
	}
}

// world is what the authorizers see.
type world struct {
	graph               *node.Graph
	roles               []*rbacv1.Role
	roleBindings        []*rbacv1.RoleBinding
	clusterRoles        []*rbacv1.ClusterRole
	clusterRoleBindings []*rbacv1.ClusterRoleBinding
}

func bootstrapped() *world {
	w := &world{graph: node.NewGraph()}
	for _, roles := range [][]rbacv1.ClusterRole{bootstrappolicy.ClusterRoles(), bootstrappolicy.ControllerRoles()} {
		for i := range roles {
			w.clusterRoles = append(w.clusterRoles, &roles[i])
		}
	}
	for _, bindings := range [][]rbacv1.ClusterRoleBinding{bootstrappolicy.ClusterRoleBindings(), bootstrappolicy.ControllerRoleBindings()} {
		for i := range bindings {
			w.clusterRoleBindings = append(w.clusterRoleBindings, &bindings[i])
		}
	}
	for namespace, roles := range bootstrappolicy.NamespaceRoles() {
		for i := range roles {
			roles[i].Namespace = namespace
			w.roles = append(w.roles, &roles[i])
		}
	}
	for namespace, bindings := range bootstrappolicy.NamespaceRoleBindings() {
		for i := range bindings {
			bindings[i].Namespace = namespace
			w.roleBindings = append(w.roleBindings, &bindings[i])
		}
	}
	return w
}

func read[T any](data []byte, use func(*T)) error {
	object := new(T)
	if err := json.Unmarshal(data, object); err != nil {
		return err
	}
	use(object)
	return nil
}

func (w *world) add(data []byte) error {
	var meta metav1.TypeMeta
	if err := json.Unmarshal(data, &meta); err != nil {
		return err
	}
	switch meta.Kind {
	case "Role":
		return read(data, func(role *rbacv1.Role) { w.roles = append(w.roles, role) })
	case "RoleBinding":
		return read(data, func(binding *rbacv1.RoleBinding) { w.roleBindings = append(w.roleBindings, binding) })
	case "ClusterRole":
		return read(data, func(role *rbacv1.ClusterRole) { w.clusterRoles = append(w.clusterRoles, role) })
	case "ClusterRoleBinding":
		return read(data, func(binding *rbacv1.ClusterRoleBinding) {
			w.clusterRoleBindings = append(w.clusterRoleBindings, binding)
		})
	case "Pod":
		return read(data, func(pod *corev1.Pod) {
			if pod.Spec.NodeName != "" {
				w.graph.AddPod(pod)
			}
		})
	case "PersistentVolume":
		return read(data, w.graph.AddPV)
	case "VolumeAttachment":
		return read(data, func(va *storagev1.VolumeAttachment) { w.graph.AddVolumeAttachment(va.Name, va.Spec.NodeName) })
	case "ResourceSlice":
		return read(data, func(slice *resourcev1.ResourceSlice) {
			if slice.Spec.NodeName != nil {
				w.graph.AddResourceSlice(slice.Name, *slice.Spec.NodeName)
			}
		})
	case "PodCertificateRequest":
		return read(data, func(request *certificatesv1.PodCertificateRequest) { w.graph.AddPodCertificateRequest(request) })
	}
	return nil
}

//go:linkname syncClusterRole k8s.io/kubernetes/pkg/controller/clusterroleaggregation.(*ClusterRoleAggregationController).syncClusterRole
func syncClusterRole(c *clusterroleaggregation.ClusterRoleAggregationController, ctx context.Context, key string) error

// applier stands for the API server: what the controller applies is stored.
type applier struct {
	rbacclient.ClusterRoleInterface
	indexer cache.Indexer
	changed bool
}

func (a *applier) ClusterRoles() rbacclient.ClusterRoleInterface { return a }

func (a *applier) Apply(_ context.Context, config *rbacapply.ClusterRoleApplyConfiguration, _ metav1.ApplyOptions) (*rbacv1.ClusterRole, error) {
	object, _, err := a.indexer.GetByKey(*config.Name)
	if err != nil {
		return nil, err
	}
	role := object.(*rbacv1.ClusterRole).DeepCopy()
	role.Rules = nil
	for _, rule := range config.Rules {
		role.Rules = append(role.Rules, rbacv1.PolicyRule{
			Verbs: rule.Verbs, APIGroups: rule.APIGroups, Resources: rule.Resources,
			ResourceNames: rule.ResourceNames, NonResourceURLs: rule.NonResourceURLs,
		})
	}
	a.changed = true
	return role, a.indexer.Update(role)
}

// aggregate lets the real controller visit every aggregated role until it has
// nothing left to change.
func (w *world) aggregate() error {
	informer := informers.NewSharedInformerFactory(nil, 0).Rbac().V1().ClusterRoles()
	indexer := informer.Informer().GetIndexer()
	var names []string
	for _, role := range w.clusterRoles {
		if err := indexer.Add(role); err != nil {
			return err
		}
		names = append(names, role.Name)
	}
	sort.Strings(names)
	client := &applier{indexer: indexer}
	controller := clusterroleaggregation.NewClusterRoleAggregation(informer, client)
	for client.changed = true; client.changed; {
		client.changed = false
		for _, name := range names {
			if err := syncClusterRole(controller, context.Background(), name); err != nil {
				return err
			}
		}
	}
	w.clusterRoles = nil
	for _, object := range indexer.List() {
		w.clusterRoles = append(w.clusterRoles, object.(*rbacv1.ClusterRole))
	}
	return nil
}

var (
	lastObjects []byte
	last        []authorizer.Authorizer
)

// authorizers of an estate; lines that follow each other often ask the same one.
func authorizers(objects []json.RawMessage) ([]authorizer.Authorizer, error) {
	key, err := json.Marshal(objects)
	if err != nil || bytes.Equal(key, lastObjects) {
		return last, err
	}
	w := bootstrapped()
	for _, object := range objects {
		if err := w.add(object); err != nil {
			return nil, err
		}
	}
	if err := w.aggregate(); err != nil {
		return nil, err
	}
	_, static := validation.NewTestRuleResolver(w.roles, w.roleBindings, w.clusterRoles, w.clusterRoleBindings)
	lastObjects, last = key, []authorizer.Authorizer{
		authorizerfactory.NewPrivilegedGroups(user.SystemPrivilegedGroup),
		node.NewAuthorizer(w.graph, nodeidentifier.NewDefaultNodeIdentifier(), bootstrappolicy.NodeRules()),
		rbac.New(static, static, static, static),
	}
	return last, nil
}

func answer(data []byte) string {
	var l line
	if err := json.Unmarshal(data, &l); err != nil {
		return "unreadable: " + err.Error()
	}
	chain, err := authorizers(l.Objects)
	if err != nil {
		return "unreadable: " + err.Error()
	}
	var text []byte
	for _, q := range l.Questions {
		letter := byte('-')
		for at, one := range chain {
			// An error is a role that is not there, never an answer.
			decision, _, _ := one.Authorize(context.Background(), q.attributes())
			if decision == authorizer.DecisionAllow {
				letter = "MNR"[at]
				break
			}
		}
		text = append(text, letter)
	}
	return string(text)
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		fmt.Fprintln(out, answer(lines.Bytes()))
	}
}
