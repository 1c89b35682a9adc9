// Command defaults answers what the API server makes of an object before it
// stores it, admission aside: one JSON object a line in, one line out. It is
// decoded, defaulted, taken to the internal version and back.
//
// A line {"rbac": true} is answered with the hashes of the roles and bindings that
// this API server starts with.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"os"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/admissionregistration/install"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	_ "k8s.io/kubernetes/pkg/apis/certificates/install"
	_ "k8s.io/kubernetes/pkg/apis/coordination/install"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	_ "k8s.io/kubernetes/pkg/apis/discovery/install"
	_ "k8s.io/kubernetes/pkg/apis/events/install"
	_ "k8s.io/kubernetes/pkg/apis/extensions/install"
	_ "k8s.io/kubernetes/pkg/apis/flowcontrol/install"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	_ "k8s.io/kubernetes/pkg/apis/node/install"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	_ "k8s.io/kubernetes/pkg/apis/rbac/install"
	_ "k8s.io/kubernetes/pkg/apis/resource/install"
	_ "k8s.io/kubernetes/pkg/apis/scheduling/install"
	_ "k8s.io/kubernetes/pkg/apis/storage/install"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy"

	rbacv1 "k8s.io/api/rbac/v1"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		if bytes.Equal(lines.Bytes(), []byte(`{"rbac": true}`)) {
			fmt.Fprintln(out, bootstrap())
			continue
		}
		answer, err := defaulted(lines.Bytes())
		if err != nil {
			answer = "error: " + err.Error()
		}
		fmt.Fprintln(out, answer)
	}
}

func defaulted(data []byte) (string, error) {
	object, kind, err := legacyscheme.Codecs.UniversalDeserializer().Decode(data, nil, nil)
	if err != nil {
		return "", err
	}
	legacyscheme.Scheme.Default(object)
	internal, err := legacyscheme.Scheme.ConvertToVersion(object, schema.GroupVersion{Group: kind.Group, Version: runtime.APIVersionInternal})
	if err != nil {
		return "", err
	}
	versioned, err := legacyscheme.Scheme.ConvertToVersion(internal, kind.GroupVersion())
	if err != nil {
		return "", err
	}
	return canonical(versioned)
}

// canonical sorts the keys and leaves out what says nothing: null, and the empty
// structs that Go's types write whether they were given or not; and what no one
// writes into a file: the status, and an annotation that the way through the
// internal version adds.
func canonical(object any) (string, error) {
	data, err := json.Marshal(object)
	if err != nil {
		return "", err
	}
	var value any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return "", err
	}
	prune(value)
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", err
	}
	return string(bytes.TrimSpace(text.Bytes())), nil
}

var alwaysWritten = map[string]bool{
	"metadata": true, "spec": true, "status": true, "resources": true, "strategy": true,
	"updateStrategy": true, "template": true, "clientConfig": true, "target": true,
	"jobTemplate": true, "validation": true, "backend": true, "podSelector": true, "port": true, "conditions": true,
}

func prune(value any) {
	switch value := value.(type) {
	case map[string]any:
		for key, member := range value {
			prune(member)
			if key == "status" || key == "deprecated.daemonset.template.generation" {
				delete(value, key)
				continue
			}
			if key == "annotations" {
				if annotations, ok := member.(map[string]any); ok && len(annotations) == 0 {
					delete(value, key)
				}
			}
			if empty, ok := member.(map[string]any); member == nil || ok && len(empty) == 0 && alwaysWritten[key] {
				delete(value, key)
			}
		}
	case []any:
		for _, item := range value {
			prune(item)
		}
	}
}

func bootstrap() string {
	var objects []any
	add := func(kind string, object any) {
		data, _ := json.Marshal(object)
		var value map[string]any
		_ = json.Unmarshal(data, &value)
		value["apiVersion"], value["kind"] = rbacv1.SchemeGroupVersion.String(), kind
		objects = append(objects, value)
	}
	for _, role := range bootstrappolicy.ClusterRoles() {
		add("ClusterRole", role)
	}
	for _, binding := range bootstrappolicy.ClusterRoleBindings() {
		add("ClusterRoleBinding", binding)
	}
	for _, binding := range bootstrappolicy.ControllerRoleBindings() {
		add("ClusterRoleBinding", binding)
	}
	for _, role := range bootstrappolicy.ControllerRoles() {
		add("ClusterRole", role)
	}
	for _, roles := range bootstrappolicy.NamespaceRoles() {
		for _, role := range roles {
			add("Role", role)
		}
	}
	for _, bindings := range bootstrappolicy.NamespaceRoleBindings() {
		for _, binding := range bindings {
			add("RoleBinding", binding)
		}
	}
	var texts []string
	for _, object := range objects {
		text, err := canonical(object)
		if err != nil {
			return "error: " + err.Error()
		}
		texts = append(texts, text)
	}
	sort.Strings(texts)
	for i, text := range texts {
		hash := fnv.New64a()
		hash.Write([]byte(text))
		texts[i] = fmt.Sprintf("%016x", hash.Sum64())
	}
	return strings.Join(texts, " ")
}
